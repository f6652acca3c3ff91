"""Captions in several manners of writing, all of them true of the picture."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ingest.phantoms.planning import pick
from ingest.phantoms.study import MANY, Finding, FindingKind, Study

SHOWS = ("shows", "demonstrates", "reveals")
SIZES = ("small", "large")
NUMBERS = {1: "a", 2: "two"}
SOUNDED_AS_VOWELS = ("mri", "mr ", "h&e", "8", "11 ", "18 ")
FEWEST_WORDS, ENOUGH_WORDS = 8, 28
ABSENCES_SHARE = 0.35


@dataclass(frozen=True)
class Caption:
    text: str
    style: str
    states_patient: bool
    """Whether age and sex can be read in it."""


def write_caption(study: Study, rng: np.random.Generator) -> Caption:
    styles = NORMAL_STYLES if not study.findings else FINDING_STYLES
    style = pick(rng, tuple(styles))
    text = tidy(styles[style](study, rng))
    short = len(text.split()) < FEWEST_WORDS
    if short or (len(text.split()) < ENOUGH_WORDS and rng.random() < ABSENCES_SHARE):
        text = tidy(f"{text} {_absences(study, rng)}")
    if len(text.split()) < FEWEST_WORDS:
        text = tidy(f"{text} {_person(study)}.")
    return Caption(text, style, "-year-old" in text)


def tidy(text: str) -> str:
    """Single spaces, 'an' before vowels, capitals at the start of sentences."""
    text = re.sub(r"\s+", " ", text).replace(" ,", ",").strip()
    text = re.sub(r"\b([Aa]) (?=([^\s].{0,3}))", _article, text)
    return re.sub(r"(^|[.] )([a-z])", lambda match: match[1] + match[2].upper(), text)


def _article(match: re.Match[str]) -> str:
    following = match[2].lower()
    vowel = following[0] in "aeiou" or following.startswith(SOUNDED_AS_VOWELS)
    return f"{match[1]}n " if vowel else match[0]


def describe(finding: Finding, kind: FindingKind, rng: np.random.Generator) -> str:
    """A noun phrase for one finding."""
    if finding.side == "bilateral":
        phrases = kind.both
    else:
        phrases = kind.many if finding.count > 1 else kind.phrases
    singular, plural = pick(rng, kind.names)
    return pick(rng, phrases).format(
        n=NUMBERS.get(finding.count, "multiple" if finding.count > MANY else "three"),
        size=dict(zip(SIZES, kind.grades, strict=True)).get(finding.size, ""),
        name=singular if finding.count == 1 else plural,
        side=finding.side,
        where=finding.where,
        mm=f"{finding.mm} mm",
    )


def _findings(study: Study, rng: np.random.Generator) -> str:
    phrases = [describe(each, study.kind.finding_kind(each.what), rng) for each in study.findings]
    remarks = study.kind.finding_kind(study.findings[-1].what).remarks
    if remarks and rng.random() < 0.5 and " with " not in phrases[-1]:
        phrases[-1] += f" with {pick(rng, remarks)}"
    return " and ".join(phrases)


def _examination(study: Study, rng: np.random.Generator) -> str:
    return pick(rng, study.kind.studies).format(side=study.side)


def _person(study: Study) -> str:
    noun = {"female": "woman", "male": "man"}[study.patient.sex]
    return f"a {study.patient.age:.0f}-year-old {noun}"


def _absences(study: Study, rng: np.random.Generator) -> str:
    present = {study.kind.finding_kind(finding.what).absent for finding in study.findings}
    absent = [kind.absent for kind in study.kind.findings if kind.absent not in {"", *present}]
    if not absent:
        return ""
    named = [absent[index] for index in rng.permutation(len(absent))[: int(rng.integers(1, 3))]]
    return pick(rng, ("No {}.", "There is no {}.", "No evidence of {}.")).format(" or ".join(named))


def _report(study: Study, rng: np.random.Generator) -> str:
    return f"{_examination(study, rng)}: {_findings(study, rng)}."


def _sentence(study: Study, rng: np.random.Generator) -> str:
    lead = "follow-up " if study.visit and not study.kind.sequels else ""
    return f"{lead}{_examination(study, rng)} {pick(rng, SHOWS)} {_findings(study, rng)}."


def _case(study: Study, rng: np.random.Generator) -> str:
    complaint = pick(rng, study.kind.complaints)
    return (
        f"{_person(study)} presented with {complaint}. "
        f"{_examination(study, rng)} {pick(rng, SHOWS)} {_findings(study, rng)}."
    )


def _title(study: Study, rng: np.random.Generator) -> str:
    return f"{_findings(study, rng)}. {_examination(study, rng)} in {_person(study)}."


def _label(study: Study, rng: np.random.Generator) -> str:
    return f"{_findings(study, rng)} on {_examination(study, rng)}."


def _patient_first(study: Study, rng: np.random.Generator) -> str:
    return f"{_examination(study, rng)} in {_person(study)} with {_findings(study, rng)}."


def _normal_report(study: Study, rng: np.random.Generator) -> str:
    return f"{_examination(study, rng)}: normal. {pick(rng, study.kind.normal)}"


def _normal_title(study: Study, rng: np.random.Generator) -> str:
    return f"normal {_examination(study, rng)}. {pick(rng, study.kind.normal)}"


def _normal_case(study: Study, rng: np.random.Generator) -> str:
    return (
        f"normal {_examination(study, rng)} in {_person(study)} with "
        f"{pick(rng, study.kind.complaints)}. {pick(rng, study.kind.normal)}"
    )


Write = Callable[[Study, np.random.Generator], str]
FINDING_STYLES: dict[str, Write] = {
    "report": _report,
    "sentence": _sentence,
    "case": _case,
    "title": _title,
    "label": _label,
    "patient first": _patient_first,
}
NORMAL_STYLES: dict[str, Write] = {
    "report": _normal_report,
    "title": _normal_title,
    "case": _normal_case,
}
