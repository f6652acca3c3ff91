"""What an utterance may ask of the conversation or the ranking, apart from images: patterns."""

from __future__ import annotations

import re

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
        (r"(?:α|\balpha)\s*(?:=|:|to|at|of|is)?\s*(?P<alpha>[01](?:\.\d+)?|\.\d+|\d{1,3} ?%)", {}),
)  # fmt: skip
MODES = tuple((re.compile(pattern, re.IGNORECASE), change) for pattern, change in _MODES)
# What may stand around one of these and mean nothing more.
AROUND_A_MODE = frozenset(
    {"search", "use", "using", "mode", "match", "rank", "ranking", "set", "fusion", "instead",
     "switch", "go", "back", "try", "make", "sort", "order", "turn", "change", "look", "put", "weigh",
     "together", "purely", "entirely", "rely", "judge", "just", "let"}
)  # fmt: skip
