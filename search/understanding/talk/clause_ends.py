"""What stands around a move and between two of them: patterns."""

from __future__ import annotations

import re

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

# Where one move ends and another begins.
SPLIT = re.compile(
    r"(?:\s*[,;]\s*(?:(?:and|but|then)\s+)?|\s+(?:and|but|then)\s+|\.\s+)"
    r"(?:(?:also|only|please)\s+)?"
    r"(?=(?:with|without|no|not|only|just|also|add|drop|forget|remove|make (?:it|that)|show|"
    r"in (?:children|kids|adults|women|men)|(?:after|before|since|until) (?:1[89]|20)\d\d|"
    r"(?:more|less) like|like|unlike|search|use|switch|exclude|except|save|bookmark)\b)",
    re.IGNORECASE,
)
