"""How people narrow, widen, drop and exchange what is looked for: patterns, one table a move."""

from __future__ import annotations

import re


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


# What a picture may show, though it begins as a move does.
FINDING = re.compile(
    r"^(?:clear[- ]cell|drop (?:foot|wrist|finger|hand|metasta\w+|attacks?|lesions?)|"
    r"skip (?:lesions?|areas?|metasta\w+)|cut (?:wounds?|injur\w+|surfaces?|ends?)|lift[- ]off|"
    r"redo (?!it\b|that\b|this\b|the\b|please\b)\w+)\b",
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
