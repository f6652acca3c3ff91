"""Facts a caption states outright: modality, main region, sex, age and side, read by rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ingest.vocabulary import Mention, mentions

YEARS_IN = {"year": 1.0, "month": 1 / 12, "week": 7 / 365.25, "day": 1 / 365.25}
OLDEST = 120
NEARBY = 100

_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBER = (
    rf"(?P<number>\d{{1,3}}(?:\.\d{{1,2}})?|(?:{'|'.join(_TENS)})(?:[\s-](?:{'|'.join(_ONES)}))?"
    rf"|{'|'.join(_TEENS + _ONES)})"
)
_UNIT = r"(?P<unit>year|yr|month|mo|week|wk|day)s?"
_PERSON = r"(?:male|female|man|woman|boy|girl|patient|infant|child)"

_AGES = (
    re.compile(
        rf"\b(?:(?P<years>\d{{1,2}})[\s-]*years?,?(?:\s+and)?[\s-]+)?{_NUMBER}[\s-]*{_UNIT}[\s-]*old\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_NUMBER}[\s-]*(?:y/o|yo|y\.o\b\.?)(?![\w-])", re.IGNORECASE),
    re.compile(rf"\b{_NUMBER}\s+{_UNIT}\s+of\s+age\b", re.IGNORECASE),
    re.compile(rf"\b{_NUMBER}[\s-]*{_UNIT}[\s,-]+(?={_PERSON}\b)", re.IGNORECASE),
    re.compile(
        rf"\bage(?:d|:|\s+of)?:?\s+(?:about\s+)?{_NUMBER}(?:[\s-]+{_UNIT}\b|\b(?!\s*(?:%|cm|mm)))"
        r"(?!\s*(?:-|–|to|and|or)\s*\d)",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:patiente?|homme|femme|fille|garçon|enfant|âgée?)\s+(?:âgée?\s+)?de\s+"
               r"(?P<number>\d{1,3})\s+ans\b", re.IGNORECASE),
)  # fmt: skip
_BORN_LATELY = re.compile(r"\b(?:neonate|newborn)s?\b(?!\s+(?:mouse|mice|rat)\b)", re.IGNORECASE)
_NOT_A_PATIENTS_AGE = re.compile(
    r"(?:mean|median|average|gestational|bone|menstrual|skeletal|dental)\s+$|between\s+$",
    re.IGNORECASE,
)
_AGE_OF_A_THING = re.compile(
    r"[\s-]+(?:(?!with\b|who\b|patient\b|and\b)[\w-]+\s+)?(?:fracture|injur|scar|lesion|infarct|"
    r"h(?:a)?ematoma|thromb|implant|graft|prosthe|stent|wound|burn|culture|biofilm|stroke|fetus|"
    r"foetus|embryo|abortion|history|nonunion|dislocation)",
    re.IGNORECASE,
)

_SEX_IN_SHORT = re.compile(
    r"\b\d{1,3}[\s-]?(?:y\.?o\.?|y/o|yrs?|y|years?)[\s,/-]*(?P<after>[MF])(?=[\s),.;]|$)"
    r"|\((?P<before>[MF])[/,]\s?\d{1,3}\b"
)
_POSSESSIVE = re.compile(r"\b(?:(?P<male>his)|[Hh]er)\s+(?:(?P<side>left|right)\b)?")

_SIDE = re.compile(r"\b(?P<side>left|right|bilateral(?:ly)?)\b(?:[\s-]sided\b)?", re.IGNORECASE)
_BOTH = re.compile(
    r"\bboth\s+(?:the\s+)?(?:\w+\s+){0,2}?(?:lungs?|kidneys|hips?|knees?|hands|feet|eyes|breasts|"
    r"shoulders|ankles|wrists|elbows|legs|arms|sides|ovaries|femurs|femora|orbits|thighs|adrenals?|"
    r"hemispheres|hemithoraces|testes|ears|tibiae?|heels|forearms|ureters|maxillary\s+sinuses)\b",
    re.IGNORECASE,
)
_LEFT_AND_RIGHT = re.compile(r"\b(?:left\s+and\s+right|right\s+and\s+left)\b", re.IGNORECASE)
_NO_SIDE_AFTER = re.compile(
    r"[\s-]*(?:[):]|\s*(?:atri|auric|ventric|heart|coronary|main(?!\s+(?:stem\s+)?(?:bronch|pulm))|"
    r"anterior\s+descending|circumflex|bundle|untreated|unrepaired|intact|in\s+(?:place|situ)|behind|"
    r"alone|open\b|out\b|over\b|blank|to\b|with\b|panel|image|figure|picture|photo|column|row|frame|"
    r"corner|inset|arrow|graph|plot|curve|axis|bar\b|side\s+of\s+the\s+(?:image|figure|picture|"
    r"photo|panel|screen|drawing|diagram)|hand(?:ed|[\s-](?:side|end|curve))|angle|triangle|away|after|before|now|"
    r"next|here|hepatic|portal|gastric|colon|colic|lobe\s+of\s+(?:the\s+)?liver|anterior\s+oblique|"
    r"posterior\s+oblique|lateral\s+decubitus|branch|(?:and|or)\s+(?:left|right)))",
    re.IGNORECASE,
)
_NO_SIDE_BEFORE = re.compile(
    r"(?:top|bottom|far|from|was|were|be|been|right\s+to|left\s+to|right-to-|left-to-|\(|"
    r"(?:shift|displaced|deviat(?:ion|ed)|turned)\s+to\s+the)[\s-]*$",
    re.IGNORECASE,
)

_DENIED_BEFORE = re.compile(
    r"\b(?:no|not|without|instead\s+of|rather\s+than)\s+(?:(?:an?|the|any|prior|available)\s+)?"
    r"(?:[\w-]+\s+)?$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"\s*(?:scan|image|imaging|study|examination)?\s*(?:was|were)\s+(?:not|never)\s+"
    r"(?:performed|done|available|obtained|taken)",
    re.IGNORECASE,
)
_REFERRED_TO = re.compile(
    r"\b(?:compared\s+(?:with|to)|prior\s+to|before|confirmed\s+(?:by|at|on|with)|followed\s+by|"
    r"unlike|as\s+opposed\s+to|not\s+(?:\w+\s+)?(?:seen|visible|visuali[sz]ed|detect(?:ed|able)|appreciated)"
    r"\s+(?:\w+\s+){0,2}?(?:on|by|at|with)|negative|underwent|scheduled\s+for|"
    r"during|after|following|undergoing)\s+(?:(?:an?|the|subsequent|later|previous)\s+)?(?:[\w-]+\s+)?$",
    re.IGNORECASE,
)
_BEFORE_A_MODALITY = re.compile(
    r"(?:[\s-]+(?!(?:of|in|with|the|a|an|on|at|by|for|from|is|was|were|and|or|to|shows?|showing|"
    r"reveal\w*|demonstrat\w*|after|before|who)\b)[\w-]+){0,3}[\s-]+",
    re.IGNORECASE,
)
_AFTER_A_MODALITY = re.compile(
    r"(?:[\s,:-]|\([\w -]+\)|(?:scans?|images?|imaging|sections?|slices?|views?|films?|"
    r"stud(?:y|ies)|examinations?|exams?|reconstructions?|tomography|angiography|screening|"
    r"taken|performed|appearances?)\b)*"
    r"(?:\b(?:of|through|over|across|at\s+the\s+level\s+of)\s+)?"
    r"(?:(?:the|a|an|his|her|patient's|both|left|right|bilateral|upper|lower|normal|whole|entire)\s+)*",
    re.IGNORECASE,
)
_HISTORY_BEFORE = re.compile(
    r"\b(?:history\s+of|present(?:ed|ing|s)\s+with|complain(?:ed|ing|s)\s+of)\s+(?:[\w-]+\s+){0,3}$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class CaptionFacts:
    """What the caption says; "" and None where it does not say. `age` is in years."""

    modality: str = ""
    anatomy: str = ""
    sex: str = ""
    age: float | None = None
    laterality: str = ""


def read_facts(caption: str) -> CaptionFacts:
    modalities = mentions(caption, "modality")
    return CaptionFacts(
        modality=_modality(caption, modalities),
        anatomy=_anatomy(caption, modalities),
        sex=_sex(caption),
        age=_age(caption),
        laterality=_laterality(caption),
    )


def _modality(caption: str, found: tuple[Mention, ...]) -> str:
    ranked = [(strength, -m.start, m.value) for m in found if (strength := _standing(caption, m))]
    return max(ranked)[2] if ranked else ""


def _standing(caption: str, mention: Mention) -> int:
    """3 for a modality named as the picture's own, 2 for an allusion to one, 0 if denied."""
    before = caption[max(0, mention.start - 80) : mention.start]
    if _DENIED_BEFORE.search(before) or _DENIED_AFTER.match(caption, mention.end):
        return 0
    if not mention.names:
        return 2
    return 1 if _REFERRED_TO.search(before) else 3


def _anatomy(caption: str, modalities: tuple[Mention, ...]) -> str:
    """What the modality is of comes first, then regions named over implied, then the earlier."""
    found = mentions(caption, "anatomy")
    ranked = [
        (
            _is_imaged(caption, m, modalities),
            m.names,
            not _is_history(caption, m),
            -m.start,
            m.value,
        )
        for m in found
    ]
    return max(ranked)[-1] if ranked else ""


def _is_history(caption: str, region: Mention) -> bool:
    return bool(_HISTORY_BEFORE.search(caption[max(0, region.start - 60) : region.start]))


def _is_imaged(caption: str, region: Mention, modalities: tuple[Mention, ...]) -> bool:
    """Whether the region stands beside a modality: "chest CT", "MRI of the left knee"."""
    return any(_stand_together(caption, region, modality) for modality in modalities)


def _stand_together(caption: str, region: Mention, modality: Mention) -> bool:
    if abs(region.start - modality.start) > NEARBY:
        return False
    if region.start == modality.start:
        return True
    if region.start < modality.start:
        return bool(_BEFORE_A_MODALITY.fullmatch(caption, region.end, modality.start))
    return bool(_AFTER_A_MODALITY.fullmatch(caption, modality.end, region.start))


def _sex(caption: str) -> str:
    found = {(m.value, m.start) for m in mentions(caption, "sex")}
    if not found:
        found = {(value, start) for value, start in _sex_in_short(caption)}
    sexes = {value for value, _ in found}
    if len(sexes) > 1:
        aged = [match.end for match in _ages(caption)]
        sexes = {value for value, start in found if any(0 <= start - end < 25 for end in aged)}
    return sexes.pop() if len(sexes) == 1 else ""


def _sex_in_short(caption: str) -> Iterator[tuple[str, int]]:
    for match in _SEX_IN_SHORT.finditer(caption):
        letter = match["after"] or match["before"]
        yield {"M": "male", "F": "female"}[letter], match.start()
    shown = {m.start for m in mentions(caption, "anatomy")}
    shown |= {m.start for m in mentions(caption, "modality") if m.names}
    for match in _POSSESSIVE.finditer(caption):
        if match["side"] or match.end() in shown:
            yield "male" if match["male"] else "female", match.start()


class _Age(NamedTuple):
    start: int
    end: int
    years: float


def _age(caption: str) -> float | None:
    found = min(_ages(caption), default=None)
    if found is not None:
        return round(found.years, 3)
    return 0.0 if _BORN_LATELY.search(caption) else None


def _ages(caption: str) -> Iterator[_Age]:
    for pattern in _AGES:
        for match in pattern.finditer(caption):
            before = caption[max(0, match.start() - 20) : match.start()]
            if _NOT_A_PATIENTS_AGE.search(before) or _AGE_OF_A_THING.match(caption, match.end()):
                continue
            years = _years(match)
            if years <= OLDEST:
                yield _Age(match.start(), match.end(), years)


def _years(match: re.Match[str]) -> float:
    said = match.groupdict()
    unit = {"yr": "year", "mo": "month", "wk": "week"}.get(
        unit := (said.get("unit") or "year").lower(), unit
    )
    return float(said.get("years") or 0) + _as_number(said["number"].lower()) * YEARS_IN[unit]


def _as_number(written: str) -> float:
    if written[0].isdigit():
        return float(written)
    tens, *ones = re.split(r"[\s-]", written)
    if tens in _TENS:
        return 20 + 10 * _TENS.index(tens) + (_ONES.index(ones[0]) + 1 if ones else 0)
    return 1 + (_ONES + _TEENS).index(tens)


def _laterality(caption: str) -> str:
    """The side of what is shown; "" where both sides are spoken of apart."""
    both = _LEFT_AND_RIGHT.search(caption) or _BOTH.search(caption)
    sides = [(m.start(), m["side"].lower()[:9]) for m in _SIDE.finditer(caption) if _is_a_side(m)]
    if both:
        sides.append((both.start(), "bilateral"))
    if not sides or ({"left", "right"} <= {side for _, side in sides} and not both):
        return ""
    return min(sides)[1]


def _is_a_side(match: re.Match[str]) -> bool:
    if match["side"].lower().startswith("bilateral"):
        return True
    before = match.string[max(0, match.start() - 20) : match.start()]
    return not (_NO_SIDE_AFTER.match(match.string, match.end()) or _NO_SIDE_BEFORE.search(before))
