"""What a turn of a conversation may be besides words to look for: patterns, one table a move."""

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


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


# Taken off the front of a clause as often as they stand there; they change nothing.
OPENERS = re.compile(
    r"^(?:(?:and|but|then|so|ok(?:ay)?|well|now|actually|oops|ugh|nope|hmm|um|oh|please|pls|kindly|"
    r"right(?=\s*[,.:!]|\s+(?:so|then|now)\b)|hi|hello|hey|thanks|maybe|perhaps|ideally|"
    r"(?:no )?wait|(?:so )?sorry|if (?:at all )?possible|(?:can|could|would) you|(?:can|could) (?:we|i)|"
    r"i(?:'d| would) like(?: you)? to|i want(?: you)? to|let's|to(?= (?:show|find|see|look)\b)|"
    r"(?:there|it|they) (?:ought to|has to|have to|needs? to) (?:be|show|have|contain)|"
    r"(?:it |they )?(?:must|should) (?:say|show|have|contain|mention))\b(?!-\w)[\s,:!-]*)+",
    re.IGNORECASE,
)
CLOSERS = re.compile(
    r"[\s,]*\b(?:please|pls|thanks|thank you|would you|if you can|for me|actually|though|"
    r"(?<!start )(?<!begin )again|after all)\s*[.!?]*$|"
    r",?\s+(?:if possible|if you (?:have|can|could)(?: it| them| any)?|to me|(?:which|that) would be (?:\w+)|"
    r"would be (?:lovely|great|nice|good|perfect|ideal|helpful)|i (?:think|guess|suppose))[.!?]*$|"
    r"\s+(?:should|must|has to|have to|ought to|needs? to) be (?:visible|there|shown|seen|present|included|"
    r"in (?:it|there|the picture))(?=\s+(?:too|as well|also)|[.!?]*$)|"
    r",?\s+for (?:privacy|copyright|consent|anonymity)(?: reasons)?[.!?]*$|"
    r"[\s.,;:!?]+$",
    re.IGNORECASE,
)

# What a picture may show, though it begins as a move does.
FINDING = re.compile(
    r"^(?:clear[- ]cell|drop (?:foot|wrist|finger|hand|metasta\w+|attacks?|lesions?)|"
    r"skip (?:lesions?|areas?|metasta\w+)|cut (?:wounds?|injur\w+|surfaces?|ends?)|lift[- ]off|"
    r"redo (?!it\b|that\b|this\b|the\b|please\b)\w+)\b",
    re.IGNORECASE,
)

# Where one move ends and another begins.
SPLIT = re.compile(
    r"(?:\s*[,;]\s*(?:(?:and|but|then)\s+)?|\s+(?:and|but|then)\s+|\.\s+)"
    r"(?:(?:also|only|please)\s+)?"
    r"(?=(?:with|without|no|not|only|just|also|add|drop|forget|remove|make (?:it|that)|show|"
    r"in (?:children|kids|adults|women|men)|(?:after|before|since|until) (?:1[89]|20)\d\d|"
    r"(?:newest|oldest|latest|earliest|most recent)(?: ones)? (?:first|on top)|sort(?:ed)? (?:them )?by|"
    r"(?:more|less) like|like|unlike|search|use|switch|exclude|except|save|bookmark)\b)",
    re.IGNORECASE,
)

EXPLAIN = re.compile(
    r"\b(?:why|how come|(?:for|on) what (?:reason|grounds?|basis)|explain|justify|account for|what made|"
    r"what makes|what earns|how did|reasons? for|what is|what's|what has|what does)\b",
    re.IGNORECASE,
)
SAVE = re.compile(
    r"\b(?:save|store|keep|bookmark|file|remember|record)\b(?:\s+(?:this|it|that|the|my|search|one|query|away|down)\b)*"
    r"(?:\s+(?:as|under(?:\s+the\s+name)?|called|named)\s+(?P<name>.+))?$",
    re.IGNORECASE,
)
CALL = re.compile(r"^call (?:this|it|that)(?: one| search)?\s+(?P<name>.+?)\s+and save(?: it| this)?$",
                  re.IGNORECASE)  # fmt: skip
REDO = re.compile(
    r"\b(?:redo|restore (?:it|that)|reapply|go forward|undo the undo|"
    r"(?:put|bring|take) back (?:the|that|what).*(?:undid|undone|took back)|"
    r"(?:shouldn't|should not) have undone|bring (?:that|it|the) (?:change )?back)\b",
    re.IGNORECASE,
)
UNDO = re.compile(
    r"\b(?:undo|revert|(?:didn't|did not) (?:want|mean)(?: to do)? (?:that|this|it)\b|"
    r"(?:reverse|roll back|put back) (?:it|that|the last)\b|(?:was|that) better before|made it worse|"
    r"(?:how|as|the way) it was(?: before)?$|(?:ctrl|cmd)[ +-]*z|(?:go |take )?(?:back (?:one|a) step|(?:one|a) step back(?:wards?)?)$|"
    r"(?:go|step) back(?: (?:one|a) step)?$|"
    r"take (?:that|it) back|"
    r"(?:scrap|scratch|cancel) (?:that|the)(?: last)?(?: (?:change|one|step))?$|"
    r"back to the (?:previous|last)(?: (?:search|one|step))?$|previous search)",
    re.IGNORECASE,
)
START_OVER = re.compile(
    r"^(?:.*\b)?(?:start (?:over|again|afresh|from scratch)|clean slate|blank page|"
    r"begin (?:again|anew|afresh)(?: from scratch)?|throw (?:it|everything) all away|"
    r"(?:start|begin|go) (?:from|at|back to) (?:zero|the beginning|square one|the start)|"
    r"from scratch|clear (?:everything|all|it all)|reset(?: (?:the|this|my) search| everything| all"
    r"| it)?|wipe (?:it|everything|all)(?:, fresh start)?|fresh start|new search|"
    r"forget (?:everything|all(?: of)? (?:it|that)|it all))$",
    re.IGNORECASE,
)

_MODES: tuple[tuple[str, dict[str, object]], ...] = (
        (r"\b(?:captions?|words|wording|text|keywords?)(?: search)? only\b|\bonly (?:the )?(?:captions?|words|wording|text)\b|"
         r"\b(?:captions?|words|wording|(?:caption )?text) alone\b|\bcaption text(?: only)?\b|"
         r"\bjust (?:match )?(?:on )?(?:the )?(?:words|captions?|text)(?: in the captions?)?\b|"
         r"\b(?:keyword|lexical|full[- ]text)(?: (?:search|mode))?\b|\bby (?:words?|captions?|text)(?: only)?\b",
         {"mode": "lexical"}),
        (r"\b(?:by|with|using) (?:the )?(?:images?|pictures?|looks?|appearance)(?: only)?\b|"
         r"\b(?:semantic|visual|vector)(?:ly)?(?: (?:search|mode))?(?: only)?\b|\bby how (?:they|it) looks?\b|"
         r"\b(?:images?|pictures?) (?:only|alone)\b",
         {"mode": "semantic"}),
        (r"\bhybrid(?: (?:search|mode))?\b|\b(?:both|combine|mix|blend|join) "
         r"(?:the )?(?:text|words|captions?) and (?:the )?(?:images?|pictures?)\b",
         {"mode": "hybrid"}),
        (r"\b(?:rrf|reciprocal rank(?: fusion)?|rank fusion|by ranks?)\b", {"fusion": "rrf"}),
        (r"\b(?:linear(?: fusion)?|by scores?|score fusion)\b", {"fusion": "linear"}),
        (r"\b(?:(?:oldest|earliest)(?: (?:ones|images|pictures|cases))?(?: (?:first|on top|at the top))|"
         r"(?:by|in order of) (?:date|year),? (?:ascending|oldest first)|chronological(?:ly)?(?: order)?)\b",
         {"sort": "oldest"}),
        (r"\b(?:(?:newest|latest|most recent)(?: (?:ones|images|pictures|cases))?(?: (?:first|on top|at the top))|"
         r"(?:by|in order of) (?:date|year)(?: of publication)?(?:,? (?:descending|newest first))?|"
         r"chronologically,? (?:descending|backwards?)|(?:reverse|backwards) chronological(?:ly)?)\b",
         {"sort": "newest"}),
        (r"\b(?:by|according to) (?:the )?(?:source|article|paper|publication|case)s?\b",
         {"sort": "source"}),
        (r"\b(?:by (?:relevance|match|best match)|(?:most relevant|best match(?:es)?) (?:first|on top))\b",
         {"sort": "relevance"}),
        (r"\b(?:(?:also |too )?(?:include|count|show|allow|find|consider)(?: the)?(?: also)? (?:negated|denied)"
         r"(?: mentions?| findings?| ones| captions)?(?: too| as well| in full| fully)?|"
         r"(?:also |and )?(?:where|when|if) (?:the )?(?:captions? )?(?:(?:it|they) (?:is|are) (?:ruled out|denied|absent|negated)|"
         r"(?:den(?:y|ies)|rules? out|negates?) (?:it|them)|says? (?:it is|there is) (?:not|none)(?: there)?))\b",
         {"denied": True}),
        (r"\b(?:without|ignore|leave out|exclude|no|not counting)(?: the)? (?:negated|denied) (?:mentions?|findings?|ones|captions)\b",
         {"denied": False}),
        (r"(?:α|\balpha)\s*(?:=|:|to|at|of|is)?\s*(?P<alpha>[01](?:\.\d+)?|\.\d+|\d{1,3} ?%)", {}),
)  # fmt: skip
MODES = tuple((re.compile(pattern, re.IGNORECASE), change) for pattern, change in _MODES)
# What may stand around one of these and mean nothing more.
AROUND_A_MODE = frozenset(
    {"search", "use", "using", "mode", "match", "rank", "ranking", "set", "fusion", "instead", "sorted",
     "ordered", "arrange", "list", "group", "grouped", "show", "results", "them", "things",
     "switch", "go", "back", "try", "make", "sort", "order", "turn", "change", "look", "put", "weigh",
     "together", "purely", "entirely", "rely", "judge", "just", "let"}
)  # fmt: skip

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

_OUT = r"take|leave|filter|screen|kick|cut|weed|strip|throw|rule|sort|sift|edit|keep|clear|chuck"
# "the ones with", after a verb of taking away.
_ALL_WITH = r"(?:\s+(?:anything|everything|all|any|the ones|ones|those|images|pictures))?" \
            r"(?:\s+(?:with|showing|that (?:have|show)|of))?"  # fmt: skip
TAKING_AWAY = re.compile(
    rf"^(?:(?:hide|skip|(?:{_OUT}) out|cut|exclude){_ALL_WITH}|"
    r"nothing (?:with|showing|from)|none (?:with|of)|"
    r"(?:omit|discard|reject|eliminate|suppress|spare me|steer clear of|stay away from)"
    rf"{_ALL_WITH}(?: from)?|(?:i'm|i am|we're|we are) not (?:interested in|after|looking for)|"
    r"(?:i|we) (?:don't|do not|dont) want(?: to see)?(?: any)?|"
    r"(?:i|we) (?:can't|cannot|can not) (?:have|use|show|accept|take)(?: any)?|"
    r"(?:(?:i|we) (?:have|see)|there(?:'s| is)) no (?:use|place|room|interest|point) (?:for|in)|"
    r"(?:i|we) (?:can|could|would rather) do without)\s+",
    re.IGNORECASE,
)
# "Septations must be absent": the thing first.
DENIED_AFTER = _compiled(
    r"^(?!(?:it|they|there|that|this)\b)(?P<what>.+?)\s+(?:must|should|ought to|has to|have to|needs? to|is to|are to|can|may)\s+"
    r"(?:be (?:absent|missing|excluded|avoided|left out|omitted|removed|hidden|gone|filtered out|ruled out|"
    r"kept out|out|taken out|thrown out|cut)|go|disappear|vanish|stay (?:out|away))\b.*$",
    r"^(?!(?:it|they|there|that|this)\b)(?P<what>.+?)\s+(?:must|should|may|can|ought)(?: not|n't)(?: to)?\s+"
    r"(?:be\b|appear|show|occur|feature|come|turn up|figure|have|exist).*$",
    r"^(?P<what>.+?)\s+(?:is|are)(?: not|n't) (?:welcome|wanted|allowed|acceptable|permitted|desired|"
    r"of (?:any )?(?:use|interest)|any (?:use|good)|what (?:i|we)|suitable|useful|helpful|for me)\b.*$",
    r"^(?P<what>.+?)\s+(?:is|are) (?:unwanted|undesirable|unwelcome|out|no good|no use|useless|of no "
    r"(?:use|interest|help)|banned|excluded|a no[- ]go|off[- ]limits|not for me|to be (?:left out|avoided|excluded))$",
    r"^(?:keep|leave|get)\s+(?P<what>.+?)\s+(?:out|away|aside|off)(?: (?:of|from) (?:it|this|that|the results?|here|my \w+))?$",
    r"^(?P<what>.+?),?\s+(?:(?:i|we) have (?:plenty|enough)(?: of)?|(?:i|we) can't use)\b.*$",
    r"^(?P<what>.+?),?\s+(?:leave (?:it|them|those|that) out|(?:excluded|aside|excepted)|(?:no|not) thanks?(?: you)?)$",
)
NARROWING = re.compile(
    r"\b(?:(?:i|we) can only (?:use|take|have|accept)|(?:i'm|i am|we're|we are) only (?:after|interested in|"
    r"looking for)|leave (?:me|us)(?: (?:with|only|just))?|and nothing else|only|just|solely|exclusively|strictly|"
    r"(?:stick|keep)(?:ing)? to|stick(?:ing)? with|confin(?:e|ed|ing)(?: \w+)? to|"
    r"filter(?: \w+)? (?:for|to|on|by)|(?:i|we) only care about|"
    r"keep (?:it|them|this) (?:to|at)|(?:focus|concentrate)(?: \w+)? on|cut(?: \w+)? down to|"
    r"(?:restrict|limit)(?:ed)?(?: \w+){0,2} to|narrow(?:ed)?(?: \w+)?(?: down)? to|"
    r"nothing but|keep)\b",
    re.IGNORECASE,
)
ADDING = re.compile(
    r"\b(?:also|too|as well|plus|add|include|including|in addition|"
    r"(?:extend|expand|widen|broaden)(?: \w+)? (?:to|with|by)|"
    r"throw in|bring in|alongside|along with|together with|combined with)\b|^(?:and|or)\b",
    re.IGNORECASE,
)

_FINE = r"ok(?:ay)?|fine|good|alright|all right|allowed|welcome|acceptable|great|possible|permitted"
_AGAIN = r"(?: (?:again|now|too|after all|with me|by me|for me|as well|anyway|this time))*"
_NO_MATTER = (
    r"(?:doesn't|does not|don't|do not|needn't|need not|no longer) matter(?:s)?(?: any ?more)?"
)
DROPPING: tuple[re.Pattern[str], ...] = _compiled(
    r"^(?:(?:forget|drop|remove|lose|ditch|delete|get rid of|clear|ignore|take (?:off|away)|waive|relax|"
    r"lift|loosen|disregard|abandon|release|undo|cancel|"
    r"never ?mind|scrap)(?: about)?|(?:i|we) (?:don't|do not) (?:care|mind) about|"
    r"(?:there is |there's )?no (?:longer a |more )?need for|"
    r"(?:i|we) no longer (?:need|want|care about|require|insist on)|(?:i|we) (?:can|could|may|might) "
    r"(?:forget|drop|waive|relax|lift|ignore))\s+(?P<what>.+)$",
    r"^(?:you|we) (?:can|could|may|might) (?:forget|drop|waive|relax|lift|ignore|loosen|remove|lose|"
    r"disregard|let go of)(?: about)?\s+(?P<what>.+)$",
    r"^(?:it|they)? ?(?:needn't|need not|does(?:n't| not) (?:have|need) to|do(?:n't| not) (?:have|need) to) be"
    r"(?: (?:in|on|of|from))?\s+(?P<what>.+)$",
    rf"^(?:it |that )?{_NO_MATTER} (?:which|what|about)\s+(?P<what>.+)$",
    r"^(?:no matter|regardless of|irrespective of|independent of|never mind)(?: (?:which|what|the))?\s+(?P<what>.+)$",
    r"^(?:from |in |of |on |at )?(?:any|either|both|every|whichever|whatever)\s+(?P<what>\w+(?: \w+)?)"
    rf"(?:,?\s+(?:will do|(?:is|are|would be) (?:{_FINE})|goes|works|would do|does it|i'm easy|"
    rf"(?:i|we) don't (?:mind|care)){_AGAIN})$",
    r"^(?:whichever|whatever)\s+(?P<what>\w+(?: \w+)?)\b.*$",
    r"^(?P<what>.+?)\s+(?:(?:is|are) (?:not|no longer)|(?:is|are)n't)\s+(?:so |that |really )?"
    r"(?:needed|necessary|important|required|relevant|essential|an issue|a must|crucial)(?: any ?more)?$",
    r"^(?P<what>.+?)\s+(?:is|are)\s+(?:unimportant|irrelevant(?: now)?|optional|not necessary|negotiable)$",
    r"^(?P<what>.+?)\s+(?:can|may|could) be (?:anything|whatever|any(?: of them)?)(?: (?:you|it) likes?)?$",
    r"^(?:i|we) (?:don't|do not) (?:care|mind) (?:which|what|about)\s+(?P<what>.+)$",
    r"^(?P<what>.+?),?\s+(?:it's|it is) all the same(?: to (?:me|us))?$",
    r"^(?P<what>.+?)\s+(?:can|may) (?:come back(?: in)?|be (?:back|there|in|dropped|forgotten|ignored|lifted|waived)|"
    r"stay(?: after all)?|return|go(?: now)?)$",
    rf"^(?P<what>.+?),?\s+(?:(?:i|we) (?:don't|do not) (?:mind|care)|(?:it )?{_NO_MATTER}|whichever)$",
    rf"^(?:(?:i'm|i am|we're|we are) (?:{_FINE}|happy|easy|okay) (?:with|about)|"
    rf"(?:i|we) (?:can|could) (?:live|cope|do) with|(?:i|we) (?:don't|do not) mind|bring back|allow|permit|let back in)"
    rf"\s+(?P<what>.+?){_AGAIN}$",
    rf"^(?P<what>.+?)\s+(?:is|are)\s+(?:{_FINE}){_AGAIN}$",
)  # fmt: skip
# What a person calls a part without naming its content.
PARTS: dict[str, str] = {
    **dict.fromkeys(("modality", "modalities", "kind of image", "technique"), "modality"),
    **dict.fromkeys(("region", "body part", "anatomy", "organ"), "anatomy"),
    **dict.fromkeys(("sex", "sexes", "gender"), "sex"),
    **dict.fromkeys(
        ("year", "years", "date", "dates", "time", "publication year", "publication date"), "year"
    ),
    **dict.fromkeys(("licence", "license", "licences"), "licence"),
    **dict.fromkeys(("side", "sides", "laterality"), "side"),
    **dict.fromkeys(("plane", "planes", "orientation"), "plane"),
    **dict.fromkeys(("age", "ages", "age group"), "age"),
    **dict.fromkeys(
        ("image", "picture", "example", "example image", "reference", "images", "examples"), "image"
    ),
}
PART_WORDS = re.compile(
    r"\s+(?:bit|part|thing|filters?|limits?|restrictions?|constraints?|chips?|requirement)$",
    re.IGNORECASE,
)

REPLACING: tuple[re.Pattern[str], ...] = _compiled(
    r"^(?:swap|replace|exchange|substitute(?!.* for )|change|switch|turn|trade|convert)\s+(?!it\b|that\b|this\b|to\b)"
    r"(?P<old>.+?)\s+(?:for|with|by|to|into)\s+(?P<new>.+)$",
    r"^substitute\s+(?P<new>.+?)\s+for\s+(?P<old>.+)$",
    r"^instead of\s+(?P<old>.+?)(?:,\s*|\s+(?:show|use|take)\s+)(?P<new>.+)$",
    r"^(?P<old>.+?) (?:was|is) (?:a mistake|wrong|not right|a typo),?\s+(?:(?:it|that)(?:'s| is| should be)|"
    r"(?:i|we) (?:need|want|meant|mean))\s+(?P<new>.+)$",
    r"^(?:i|we)(?:'d| would)? prefer\s+(?P<new>.+?)\s+(?:over|to)\s+(?P<old>.+)$",
    r"^(?:the )?wrong \w+,?\s+(?:sorry,?\s+)?(?:it's|it is|it was|it should be|that should be)\s+(?P<new>.+)$",
    r"^it (?:was|is)\s+(?P<new>.+?)\s+(?:that )?(?:i|we) (?:was thinking of|meant|wanted|had in mind)$",
    r"^(?:i|we) (?:said|wrote|typed|put|asked for)\s+(?P<old>.+?),?\s+(?:(?:but|though|when)\s+)?(?:i\s+|we\s+)?"
    r"(?:meant|mean|wanted|want|was thinking of|should have said|had)\s+(?P<new>.+?)(?: in mind)?$",
    r"^not\s+(?P<old>[\w-]+(?: [\w-]+){0,2}),?\s+(?:but|rather)\s+(?P<new>.+)$",
    r"^(?:(?:use|take|try|show|(?:i|we)(?:'d| would)? rather have)\s+(?:me\s+)?)?"
    r"(?P<new>.+?)\s+(?:instead of|rather than|in place of|in lieu of)\s+(?P<old>.+)$",
    r"^(?:no,?\s+)?(?:i (?:meant|mean)|make (?:it|that|this|them)|(?:change|switch|turn) (?:it |that |this |over )?(?:in)?to|"
    r"(?:what|how) about|instead|try|(?:show )?(?:me )?(?:the )?same(?: \w+)? (?:on|in|with|but(?: on)?))\s+(?P<new>.+)$",
    r"^(?P<new>.+?),?\s+instead$",
    r"^(?:(?:i|we) (?:need|want|mean|meant)\s+)?(?:the )?(?P<new>(?:other|opposite|contralateral) side)$",
    r"^(?:flip|switch|mirror|swap|change)\s+(?:the )?(?P<new>sides?)(?: (?:over|round|around))?$",
)  # fmt: skip

# "Right, not left" replaces where the second is there, and excludes where it is not.
CONTRAST = re.compile(
    r"^(?!(?:it|they|that|this|must|should|do|does|is|are|can|could)\b)"
    r"(?P<new>[\w-]+(?: [\w-]+)?),?\s+(?:and\s+)?not\s+(?P<old>[\w-]+(?: [\w-]+)?)$",
    re.IGNORECASE,
)

# Words of which one replaces another.
RIVALS: dict[str, frozenset[str]] = {
    "side": frozenset({"left", "right", "bilateral", "both sides", "left sided", "right sided"}),
    "plane": frozenset({"axial", "transverse", "sagittal", "coronal", "oblique"}),
    "age": frozenset(
        {"children", "child", "kids", "pediatric", "paediatric", "adult", "adults", "elderly",
         "infants", "infant", "neonates", "neonatal", "adolescents", "teenagers"}
    ),
    "level": frozenset({"cervical", "thoracic", "lumbar", "sacral"}),
}  # fmt: skip
OTHER_SIDE = {"left": "right", "right": "left"}
THE_OTHER = re.compile(
    r"(?:the )?(?:(?:other|opposite|contralateral) (?:side|one)|sides?)", re.IGNORECASE
)
SIDE_NOUN = re.compile(r"\b(left|right)(?:[- ]hand)?[- ](?:sided?|hand)\b", re.IGNORECASE)
PLANE_NOUN = re.compile(
    r"\b(axial|transverse|sagittal|coronal|oblique)\s+"
    r"(?:slices?|views?|sections?|planes?|cuts?|images?|ones|scans?|reconstructions?)\b",
    re.IGNORECASE,
)
PEOPLE_NOUN = re.compile(
    r"\b(male|female|elderly|adult|p(?:a)?ediatric|old|older|young|younger)\s+"
    r"(?:patients?|people|persons?|individuals?|subjects?)\b",
    re.IGNORECASE,
)

_NEW_TOPIC = (
    r"(?:new (?:topic|search|question|subject)|something (?:else|(?:completely |totally )?different)|"
    r"a different (?:question|topic|subject)|move on to|moving on|another topic|"
    r"change of (?:topic|subject)|different (?:subject|topic|question|case)(?: now)?|"
    r"(?:that|this)(?: one)?(?:'s| is) (?:finished|done|settled)|"
    r"(?:completely|totally|entirely) different(?=\s*[:.,;-])|"
    r"(?:done|finished|through) with (?:that|this|those|these|them)(?: one)?"
)
NEW_TOPIC = re.compile(rf"\b{_NEW_TOPIC}|next(?: one)?\s*[:.,])", re.IGNORECASE)
NEW_TOPIC_WORDS = re.compile(
    rf"^.*?\b{_NEW_TOPIC}|next(?: one)?)\s*(?:to\b|[:.,;-])*\s*", re.IGNORECASE
)
# Said where there is no search yet, it is only a heading.
TOPIC_HEADING = re.compile(
    r"^\W*(?:an? )?(?:new|another|different|next) (?:topic|search|question|subject)\b\s*[:.,;-]*\s*",
    re.IGNORECASE,
)
# It speaks of what is there already.
ANAPHORA = re.compile(
    r"\b(?:ones?|those|these|them|the same|same thing|it|something with|any with|that|they)\b",
    re.IGNORECASE,
)
CONTINUES = re.compile(
    r"^(?:(?:i'm|i am|we're|we are|i|we) only|and|also|only|just|with|without|in|on|at|no|not|but|except|from|after|before|since|until|"
    r"instead|make|what about|how about|for|showing|plus|add|ideally|exclude|restrict|limit|narrow|"
    r"nothing|stick|confine|strictly|focus|concentrate|throw in|trade|older|younger|any with|must|"
    r"upright|keep|show (?:me )?(?:only|just)|during|to)\b",
    re.IGNORECASE,
)
REQUESTS = re.compile(
    r"\b(?:show|find|give|get|bring|fetch) (?:me|us)\b|\b(?:looking|searching) for\b|"
    r"\bhave you got\b|\b(?:do|does) you have\b|\bi (?:want|need|also need)\b|\bi'm after\b|"
    r"\b(?:pictures?|images?|photos?|figures?|examples?|films?|slides?) (?:of|with|showing)\b|"
    r"\bunder (?:the|a) microscope\b",
    re.IGNORECASE,
)
