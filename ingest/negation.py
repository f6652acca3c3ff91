"""What a caption asserts and what it denies, by rules of scope in the manner of NegEx.

NegEx: Chapman et al. 2001. A cue opens a scope, which runs to the end of the clause. Where and
when a finding was looked for is not denied: "No mass in the liver" still speaks of the liver.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

MOST_PASSES = 4

_FINDING = "(?:evidence|signs?|indications?|suggestions?|traces?|findings?|features?)"
_JUDGED = (
    "(?:obvious|definite|apparent|clear|visible|discernible|demonstrable|detectable|appreciable|"
    "convincing|identifiable|significant|substantial|relevant|major|marked|other|further|"
    "radiographic|radiological|imaging|sonographic|histological)"
)
_BE = "(?:is|are|was|were|(?:has|have|had) been|(?:can|could) be)"
_OBSERVED = (
    "(?:seen|visible|visuali[sz]ed|identified|identifiable|demonstrat(?:ed|able)|observed|noted|"
    "detect(?:ed|able)|found|present|appreciated|evident|apparent|discernible|recogni[sz]ed|"
    "depicted|revealed|encountered)"
)
_SHOW = (
    "(?:show|reveal|demonstrate|disclose|display|exhibit|contain|include|detect|identify|"
    "find|suggest|indicate|involve|support)"
)
_PLACING = (
    "(?:in(?! situ)|on|at|within|throughout|during|after|before|following|since|from|under|around|"
    "between|near|along|by|via)"
)
_ARTICLE = "(?:an?|any|the)"
_CONTRAST_MODIFIER = "(?:an?|any|the|use|administration|injection|of|iv|intravenous|oral|i\\.v\\.)"
_CONTRAST_FINDING = "(?:enhancement|extravasation|leak|leakage|uptake|accumulation|filling)"

_PSEUDO = (
    r"no\.? ?\d[\w.-]*",
    f"(?:no|without) (?:any )?(?:{_JUDGED} ){{0,2}}(?:{_FINDING} of )?(?:(?:interval|{_JUDGED}) )?"
    "(?:changes?|increase|decrease|progression|growth|improvement|worsening|difference)",
    f"no longer(?! {_OBSERVED})",
    "no (?:more|less|fewer|later|greater|larger|smaller) than",
    "no (?:doubt|matter|need)",
    "(?:cannot|not|never)(?: be| been)?(?: [a-z]+ly)? (?:excluded|ruled out|rule out|exclude)",
    "to rule out",
    f"without (?:{_CONTRAST_MODIFIER} ){{0,3}}contrast(?! {_CONTRAST_FINDING})",
    "without (?:gadolinium|sedation|an(?:a)?esthesia|magnification|fat[ -](?:sup|sat)\\w+)",
    "(?:partial|incomplete|near-complete|spatial|temporal|high|low|higher|lower) resolution",
    f"resolution of (?:{_ARTICLE} )?"
    "(?:\\d[\\w.]*|about|approximately|up to|image|scan|picture|detector)",
)
_BEFORE = (
    f"(?:with )?(?:there (?:is|are|was|were|has been|have been) )?no(?: {_JUDGED}){{0,2}}"
    f"(?: {_FINDING} (?:of|for|to suggest))?",
    f"without(?: {_JUDGED})?(?: {_ARTICLE})?(?: {_JUDGED})?(?: {_FINDING} (?:of|for))?",
    "(?:the )?(?:complete |total )?absences? of",
    f"(?:an )?absent(?= \\w)(?! {_PLACING}\\b)",
    "negative for(?: evidence of)?",
    "(?:is |are )?free (?:of|from)",
    "(?:the )?lack(?:ing)?(?: of)?|lacks",
    "devoid of|denie[sd]|deny|denying|(?:rules|ruled|ruling) out|neither|nor",
    "(?:complete |interval )?resolution of",
    f"(?:do|does|did) not (?:have|{_SHOW})|(?:cannot|(?:could|can) not) {_SHOW}",
    f"(?:fails|failed) to {_SHOW}",
    "(?:is |are |was |were )?not (?:consistent with|compatible with|suggestive of)",
    f"(?:is|are|was|were) not {_ARTICLE}",
)
_AFTER = (
    "(?:(?:is|are|was|were|has|have|had|can|could) ){0,2}(?:not|cannot|no longer)"
    f"(?: be| been)? {_OBSERVED}(?! as\\b)",
    f"{_BE} (?:absent|ruled out|excluded)",
    f"absent(?=[.,;:)]|$| {_PLACING}\\b)",
    "(?:has|have|had) (?:[a-z]+ly )?resolved(?: completely)?",
)
_STATE = (
    "(?:enlarged|dilated|thickened|displaced|occluded|obstructed|swollen|involved|fractured|torn|"
    "ruptured|inflamed|necroti[sz]ed|necrotic|calcified|invaded|infiltrated|compressed|narrowed|"
    "stenotic|stenosed|distended|perforated|infected|isch(?:a)?emic|atrophic|collapsed|deviated|"
    "malignant|confluent|enhancing)"
)
_NOT_IN_STATE = f"(?:is |are |was |were )?not (?P<state>{_STATE}(?: (?:or|and) {_STATE})?)"


def _words(*alternatives: str) -> str:
    return rf"(?<![\w-])(?:{'|'.join(alternatives)})(?![\w/-])"


_CUE = re.compile(
    rf"(?P<pseudo>{_words(*_PSEUDO)})|(?P<before>{_words(*_BEFORE)})"
    rf"|(?P<after>{_words(*_AFTER)})|{_words(_NOT_IN_STATE)}",
    re.IGNORECASE,
)
_CUE_WORD = re.compile(
    _words(
        "no|not|cannot|without|absen(?:t|ces?)|negative|free|devoid|lack(?:s|ing)?|den(?:y|ying)|"
        "denie[sd]|rule[sd]?|ruling|neither|nor|resolution|resolved|fail(?:s|ed)|excluded"
    ),
    re.IGNORECASE,
)
_ASSERTING = (
    "(?:an?|the|there|it|this|these|his|her|normal|preserved|intact|clear|patent|stable|good|"
    "adequate|complete|well|mild|moderate|severe|marked|increased|decreased|reduced|improved|"
    f"bilateral|also|then|subsequently|with|seen|noted|{_PLACING})"
)
_PASSED_OVER = r"\([^()]{0,40}\)(?=,? (?:or|nor|and|is|are|was|were|not)\b)"
_BARRIER = re.compile(
    rf"{_PASSED_OVER}|(?P<barrier>[;:()]| [-–—] |[.?!](?=\s|$)|(?<=[a-z)])\.(?=[A-Z])|"
    + _words(
        f",? ?and(?= {_ASSERTING}\\b)",
        "but|except|excepting|however|although|though|whereas|while|yet|despite|besides|save for",
        "(?:apart|aside) from|(?:other|rather) than|instead|because|due to|owing to|so|thus",
        "therefore|if|until|unless|which|who|whose|that|where|when|with|suggest(?:ing|ive)",
        "indicat(?:ing|ive)|consistent|compatible|representing|confirming|related|compared",
        "showing|revealing|demonstrating|(?<!such )as",
    )
    + ")",
    re.IGNORECASE,
)
_PREDICATE = re.compile(f"(?:,? {_BE} |(?<!,) ){_OBSERVED}(?![\\w-])", re.IGNORECASE)
_FINITE = re.compile(
    _words(
        "is|are|was|were|has|have|had|can|could|may|might|will|would|should|shows?|showed|reveals?",
        "demonstrates?|suggests?|indicates?|appears?|appeared|remains?|remained|measures?",
        "measured|confirms?|represents?|causes?|underwent|developed|became|occur(?:s|red)",
    ),
    re.IGNORECASE,
)
_TOLD = re.compile(_words("revealed|demonstrated|confirmed|reported"), re.IGNORECASE)
_PLACE = re.compile(f"(?:^| ){_PLACING} ", re.IGNORECASE)
_COMMA = re.compile(",(?= )")
_SUBJECT = re.compile(f" ?{_ARTICLE} ", re.IGNORECASE)
_JOINT = re.compile(r",| (?:and|or)(?= )", re.IGNORECASE)
_LIST_WORD = re.compile(r"\b(?:and|or|nor)\b", re.IGNORECASE)
_LIST_END = re.compile(r" ?(?:or|nor)\b", re.IGNORECASE)
_NO_LIST_ITEM = re.compile(f" ?(?:and )?{_ASSERTING}\\b", re.IGNORECASE)
_BARE_START = re.compile(rf"^(?:[\s,]|(?:{_ARTICLE}|and|or|nor|both)(?![\w-]))+", re.IGNORECASE)
_PRONOUN = re.compile("it|they|this|these|those|he|she|there|both|either|one|i\\.e", re.IGNORECASE)
_LOOSE_END = re.compile(
    r"(?:(?:^|[\s,]{1,3})(?:and|or|but|nor|with)){1,3},?$|[\s,]{1,3}$", re.IGNORECASE
)
_STOPS, _CLOSING = ".;:!?", ",.;:)"
LONGEST_ITEM = 4  # words, in a list that no "or" closes


@dataclass(frozen=True)
class Mentions:
    """`negated` holds the denied spans without their cues, joined by "; "."""

    asserted: str
    negated: str


class _Cut(NamedTuple):
    """What leaves the caption, and the part of it that is denied (the rest is the cue)."""

    start: int
    end: int
    denied: str


def split_mentions(caption: str) -> Mentions:
    """Splitting the asserted part again changes nothing."""
    asserted = " ".join(caption.split())
    denied: list[str] = []
    for _ in range(MOST_PASSES):
        cuts = list(_cuts(asserted))
        if not cuts:
            return Mentions(asserted, "; ".join(denied))
        denied += [cut.denied for cut in cuts if cut.denied]
        asserted = _without(asserted, cuts)
    return Mentions(" ".join(_CUE_WORD.sub(" ", asserted).split()), "; ".join(denied))


def _cuts(text: str) -> Iterator[_Cut]:
    cues = list(_CUE.finditer(text)) if _CUE_WORD.search(text) else []
    if not cues:
        return
    barriers = [match for match in _BARRIER.finditer(text) if match["barrier"]]
    starts = [*(match.start() for match in barriers), len(text)]
    done = 0
    ends = [0, *(match.end() for match in barriers)]
    following = [*(cue.start() for cue in cues[1:]), len(text)]
    for cue, stop in zip(cues, following, strict=False):
        found: list[_Cut] = []
        if cue["before"]:
            stop = min(stop, starts[bisect_left(starts, cue.end())])
            found = _denied_after(text, cue.start(), cue.end(), stop)
        elif cue["after"]:
            opened = max(done, ends[bisect_left(starts, cue.start())])
            found = _denied_before(text, opened, cue.start(), cue.end())
        elif cue["state"]:
            found = [_Cut(cue.start(), cue.end(), cue["state"])]
        yield from found
        done = max(cue.end(), found[-1].end if found else 0)


def _denied_after(text: str, cue: int, start: int, stop: int) -> list[_Cut]:
    if not _bare(text[start:stop]):
        return []
    predicate = _PREDICATE.search(text, start + 1, stop)
    stop = _clause_end(text, start, predicate.start() if predicate else stop)
    spans = list(_unplaced(text, _list_items(text, start, stop)))
    cuts = [_Cut(cue if a == start else a, b, _bare(text[a:b])) for a, b in spans]
    if predicate and cuts[-1].end == predicate.start():
        cuts[-1] = cuts[-1]._replace(end=predicate.end())
    return [cut for cut in cuts if cut.denied] if cuts[0].denied else []


def _clause_end(text: str, start: int, stop: int) -> int:
    """Where a new clause with its own verb begins."""
    verb = _FINITE.search(text, start, stop)
    if not verb:
        return stop
    joints = [match.start() for match in _JOINT.finditer(text, start + 1, verb.start())]
    return max(joints, default=verb.start())


def _list_items(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    """The items that one cue denies, as ranges from comma to comma."""
    ranges = list(pairwise([start, *(m.start() for m in _COMMA.finditer(text, start, stop)), stop]))
    items = [text[a:b].lstrip(",") for a, b in ranges]
    closed = [at for at, item in enumerate(items) if at and _LIST_END.match(item)]
    return ranges[: closed[0] + 1 if closed else _open_list(items)]


def _open_list(items: list[str]) -> int:
    """How many items belong to a list whose last comma no "or" follows."""
    for at, item in enumerate(items):
        if at and (_NO_LIST_ITEM.match(item) or (at == 1 and item.startswith(" and "))):
            return 1
        if _LIST_WORD.search(item):
            return at + 1
    return len(items) if all(len(item.split()) <= LONGEST_ITEM for item in items[1:]) else 1


def _unplaced(text: str, ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The ranges, neighbours joined, without their phrases of place and time."""
    begun: int | None = None
    for start, stop in ranges:
        place = _PLACE.search(text, start, stop)
        begun = start if begun is None else begun
        if place:
            yield begun, place.start()
            begun = None
    if begun is not None:
        yield begun, ranges[-1][1]


def _denied_before(text: str, opened: int, cue: int, cue_end: int) -> list[_Cut]:
    start = _subject_start(text, opened, cue)
    place = _PLACE.search(text, start + 1, cue)
    end = place.start() if place else cue
    denied = _bare(text[start:end])
    if not denied or _PRONOUN.fullmatch(denied):
        return []
    return [_Cut(start, end, denied), _Cut(cue, cue_end, "")]


def _subject_start(text: str, opened: int, cue: int) -> int:
    """Where the subject of "was not seen" begins: after the last verb, or with its list."""
    verbs = [
        match.end() for pattern in (_FINITE, _TOLD) for match in pattern.finditer(text, opened, cue)
    ]
    if verbs:
        joints = [match.end() for match in _JOINT.finditer(text, max(verbs), cue)]
        return max(joints or verbs)
    commas = [match.end() for match in _COMMA.finditer(text, opened, cue)]
    if commas and _PLACE.match(text, opened, cue):
        opened = commas.pop(0)
    whole = _SUBJECT.match(text, opened, cue) or not commas
    return opened if whole or _LIST_WORD.search(text, commas[-1], cue) else commas[-1]


def _bare(span: str) -> str:
    """The span without articles before it and connecting words about it."""
    return _LOOSE_END.sub("", _BARE_START.sub("", span.strip(), count=1)).strip(" ,.;:")


def _without(text: str, cuts: list[_Cut]) -> str:
    """The text without the cuts; no "and" is left before a full stop and no full stop alone."""
    kept = [text[: cuts[0].start].rstrip()]
    for cut, edge in zip(cuts, [*(cut.start for cut in cuts[1:]), len(text)], strict=True):
        chunk = text[cut.end : edge].strip()
        if kept[-1][-1:] in _STOPS:
            chunk = chunk.lstrip(" ,.;:")
        if chunk[:1] in _CLOSING:
            kept[-1] = _LOOSE_END.sub("", kept[-1])
        elif chunk:
            chunk = f" {chunk}"
        if kept[-1][-1:] == "(" and chunk.startswith(")"):
            kept[-1], chunk = kept[-1][:-1], chunk[1:]
        if chunk:
            kept.append(chunk)
    return " ".join("".join(kept).split())
