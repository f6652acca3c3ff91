"""How people point at hits, and say which way to go from them: patterns."""

from __future__ import annotations

import re

ORDINALS = {
    word: rank
    for rank, words in enumerate(
        (
            ("first", "1st"), ("second", "2nd"), ("third", "3rd"), ("fourth", "4th"),
            ("fifth", "5th"), ("sixth", "6th"), ("seventh", "7th"), ("eighth", "8th"),
            ("ninth", "9th"), ("tenth", "10th"), ("eleventh", "11th"), ("twelfth", "12th"),
        ),
        start=1,
    )
    for word in words
}  # fmt: skip

_HIT = r"(?:one|image|picture|figure|result|hit|photo|match|example)"
_UNIT = r"(?!\s*(?:cm|mm|years?|days?|weeks?|months?|%|st\b|nd\b|rd\b|th\b|[-.]\d|d\b|t\b|tesla))"
# "Grade 3" and "the third ventricle" are no hits.
_NOT_COUNTED = "".join(
    rf"(?<!\b{word} )"
    for word in ("grade", "stage", "type", "class", "level", "phase", "zone", "segment", "category",
                 "trisomy", "factor", "week", "day", "degree", "tesla", "t", "l", "c", "s")
)  # fmt: skip
_COUNTS_ANATOMY = (
    r"(?!\s+(?:(?:pre)?molars?|ribs?|ventricles?|trimester|meta(?:tars|carp)als?|toes?|fingers?|digits?|"
    r"rays?|branchial|pharyngeal|arch|degree|order|intention|cranial|nerve|lumbar|cervical|thoracic|sacral|"
    r"vertebra\w*|part|portion|stage|phase|line|look|web|compartment|dorsal|mtp|mcp|cmc|tarso\w+|carpo\w+|"
    r"day|week|month|year|decade)\b)"
)
REFERENCE = (
    rf"(?:(?:the\s+)?(?:{_HIT}\s+)?(?:#|no\.?\s*|nr\.?\s*|number\s+)?\s*"
    rf"{_NOT_COUNTED}(?P<digits>\d{{1,3}})\b{_UNIT}"
    rf"|(?:the\s+)?(?P<ordinal>{'|'.join(ORDINALS)})\b{_COUNTS_ANATOMY}(?:\s+{_HIT}s?\b)?)"
)
_BARE_REFERENCE = re.sub(r"\?P<\w+>", "?:", REFERENCE)
SEVERAL = rf"{_BARE_REFERENCE}(?:(?:\s*,\s*|\s*,?\s*(?:and|&|or)\s+){_BARE_REFERENCE})*"

LIKE = (
    r"more (?:like|of|similar to|(?:that|which) (?:resembles?|look like))|"
    r"(?:others?|ones|more|anything) (?:that |which )?looks? like|similar to|"
    r"same (?:sort of thing|kind of thing|thing|kind|sort)?\s*as|resembl(?:e|es|ing)|"
    r"(?:in|along) the (?:style|manner|vein|lines?) of|(?:close|closer|closest|near|nearer|akin|"
    r"comparable|identical) to|reminiscent of|match(?:es|ing)?|lookalikes? (?:of|for)|"
    r"(?:neighbou?rs?|siblings?|relatives|twins?) of|like"
)
UNLIKE = (
    r"(?:less|fewer|not|nothing|anything but) (?:like|of|similar to)|unlike|dissimilar to|"
    r"different (?:from|to|than)|(?:stay|keep|steer) (?:away|clear) (?:from|of)(?: anything)?(?: like)?|(?:further|away) from"
)
# "number 3 is perfect": a verdict on hits says which way to go.
_GOOD = (
    r"perfect|great|good|right|ideal|spot on|excellent|lovely|nice|useful|helpful|better|best|close|"
    r"promising|suitable|relevant|exactly|what (?:i|we) (?:want|need|mean|am after|are after|had in mind)|"
    r"(?:the )?(?:one|ones|kind|sort)\b"
)
_BAD = (
    r"wrong|bad|(?:way |far )?off|useless|no good|no use|irrelevant|unsuitable|unhelpful|worst|"
    r"misleading|not|nothing like"
)
VERDICT = re.compile(
    rf"^(?P<which>{SEVERAL})\s+(?:(?P<denied>isn't|aren't|wasn't|(?:is|are|was|were) not|"
    r"doesn't (?:fit|match|help)|don't (?:fit|match|help))|is|are|was|were|looks?|seems?)\s*"
    r"(?:just |exactly |really |quite |very |all |pretty |the |a |more )*"
    rf"(?:(?P<good>{_GOOD})|(?P<bad>{_BAD})|(?<=fit|elp)$|(?<=match)$)",
    re.IGNORECASE,
)
AS_EXAMPLE = re.compile(
    rf"^(?:use|take|treat|start from|go (?:by|from|with))\s+(?P<which>{SEVERAL})\s+as\s+"
    r"(?:(?:the|an|my|a|your)\s+)?(?:examples?|models?|references?|guides?|templates?|patterns?|"
    r"starting points?|seeds?)|"
    rf"^(?:move|push|rank|bring|pull|put|float)\s+(?P<moved>{SEVERAL})(?:\s+and (?:its|their) kind)?\s+"
    r"(?:(?:further |way |right )?(?P<up>up|higher|forward|closer)|(?:further |way |right )?(?:down|lower|back|away))",
    re.IGNORECASE,
)
ALIKE_AFTER = re.compile(
    r"\b(?:more (?:of|like) (?:those|that|this|it|them)|similar ones|ones like (?:that|it|this)|"
    r"others like (?:that|it|this)|find similar)\b",
    re.IGNORECASE,
)
