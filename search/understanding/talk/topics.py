"""How a new topic is told from one that goes on: patterns."""

from __future__ import annotations

import re

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
