import itertools
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ingest.phantoms import Phantom, draw_corpus, draw_phantom
from ingest.phantoms.captions import tidy, write_caption
from ingest.phantoms.catalogue import KIND_BY_NAME, KINDS
from ingest.phantoms.planning import picture_stream, plan_study
from ingest.phantoms.study import Finding, Patient, Study

MODALITIES = {"x-ray", "ct", "mri", "ultrasound", "microscopy"}
ANATOMIES = {"head", "neck", "chest", "breast", "abdomen", "arm", "hand", "knee"}
CORPUS = 800


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return list(draw_corpus(18))


@pytest.fixture(scope="module")
def studies() -> list[Study]:
    return [plan_study(7, index) for index in range(CORPUS)]


@pytest.fixture(scope="module")
def captions(studies: list[Study]) -> list[str]:
    return [
        write_caption(study, picture_stream(7, index)).text for index, study in enumerate(studies)
    ]


def draw(kind: str, *findings: Finding, seed: int = 0, side: str = "") -> np.ndarray:
    study = Study(KIND_BY_NAME[kind], Patient(1, "male", 50.0, 0.0), findings, side, 0)
    picture: Image.Image = study.kind.draw(study, np.random.default_rng(seed))
    return np.asarray(picture, dtype=float)


def halves(region: Callable[[np.ndarray], np.ndarray], *pictures: np.ndarray) -> float:
    """Mean brightness on the image's right less that on its left."""
    differences = []
    for picture in pictures:
        part = region(picture)
        middle = part.shape[1] // 2
        differences.append(part[:, middle:].mean() - part[:, :middle].mean())
    return float(np.mean(differences))


def lower_chest(picture: np.ndarray) -> np.ndarray:
    return picture[220:290, 40:-40]


def test_the_same_seed_draws_the_same_bytes(phantoms: list[Phantom]) -> None:
    again = list(draw_corpus(4))
    assert [each.image.tobytes() for each in again] == [
        each.image.tobytes() for each in phantoms[:4]
    ]
    assert [each.caption for each in again] == [each.caption for each in phantoms[:4]]


def test_another_seed_draws_another_corpus(phantoms: list[Phantom]) -> None:
    other = draw_phantom(0, seed=8)
    assert (other.caption, other.image.tobytes()) != (
        phantoms[0].caption,
        phantoms[0].image.tobytes(),
    )


def test_a_picture_does_not_depend_on_how_many_are_drawn(phantoms: list[Phantom]) -> None:
    alone = draw_phantom(17)
    assert alone.image.tobytes() == phantoms[17].image.tobytes()
    assert alone.truth == phantoms[17].truth


def test_pictures_are_drawn_only_when_asked_for() -> None:
    endless = draw_corpus(10**9)
    assert [each.external_id for each in itertools.islice(endless, 2)] == [
        "phantom-0001",
        "phantom-0002",
    ]


def test_the_long_side_is_between_320_and_384_pixels(phantoms: list[Phantom]) -> None:
    assert all(320 <= max(each.image.size) <= 384 for each in phantoms)


def test_every_kind_occurs_often(studies: list[Study]) -> None:
    counts = Counter(study.kind.name for study in studies)
    assert set(counts) == {kind.name for kind in KINDS}
    assert len(counts) >= 10
    assert min(counts.values()) >= 12


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_finding_of_the_catalogue_changes_the_picture(kind: str) -> None:
    side = KIND_BY_NAME[kind].sides[0]
    normal = draw(kind, side=side)
    for each in KIND_BY_NAME[kind].findings:
        mm = each.mm[1] if each.mm else 0
        finding = Finding(each.what, each.places[0], each.sides[0], each.sizes[-1], 2, mm)
        changed = np.abs(draw(kind, finding, side=side) - normal) > 25
        assert changed.mean() > 0.001, each.what


def test_facts_are_in_the_canonical_vocabulary(phantoms: list[Phantom]) -> None:
    for each in phantoms:
        assert each.modality in MODALITIES
        assert each.anatomy in ANATOMIES
        assert each.sex in {"male", "female", ""}
        assert each.laterality in {"left", "right", "bilateral", ""}
        assert each.age is None or 0 < each.age < 120


def test_captions_are_one_line_of_8_to_45_words(captions: list[str]) -> None:
    for caption in captions:
        assert 8 <= len(caption.split()) <= 45, caption
        assert caption.isprintable()
        assert "{" not in caption
        assert "  " not in caption


def test_captions_are_mostly_distinct(captions: list[str]) -> None:
    assert len(set(captions)) > 0.9 * CORPUS


def test_a_caption_names_no_side_but_that_of_the_study(
    studies: list[Study], captions: list[str]
) -> None:
    opposite = {"left": "right", "right": "left"}
    for study, caption in zip(studies, captions, strict=True):
        if study.laterality() in opposite and study.kind.name not in {"chest x-ray", "abdomen ct"}:
            assert f" {opposite[study.laterality()]} " not in f" {caption.lower()} "


def test_age_and_sex_are_told_exactly_when_the_caption_states_them(
    phantoms: list[Phantom],
) -> None:
    for each in phantoms:
        stated = "-year-old" in each.caption
        assert (each.age is not None, bool(each.sex)) == (stated, stated)
        if stated:
            noun = {"male": "man", "female": "woman"}[each.sex]
            assert f"{each.age:.0f}-year-old {noun}" in each.caption
        assert each.truth["sex"]
        assert each.truth["age"]


def test_what_is_there_is_not_called_absent(studies: list[Study], captions: list[str]) -> None:
    for study, caption in zip(studies, captions, strict=True):
        denied = [part for part in caption.split(". ") if part.startswith(("No ", "There is no "))]
        for finding in study.findings:
            absent = study.kind.finding_kind(finding.what).absent
            assert not (absent and any(absent in part for part in denied)), caption


def test_about_one_in_seven_is_normal_and_says_so(
    studies: list[Study], captions: list[str]
) -> None:
    normal = [index for index, study in enumerate(studies) if not study.findings]
    assert 0.10 < len(normal) / CORPUS < 0.20
    assert all("ormal" in captions[index] for index in normal[:5])
    assert draw_phantom(normal[0]).truth["findings"] == []


def test_a_patient_has_at_most_three_pictures_and_one_body(studies: list[Study]) -> None:
    visits = Counter(study.patient.number for study in studies)
    assert max(visits.values()) == 3
    assert len({study.patient for study in studies}) == len(visits)


def test_an_effusion_on_the_left_whitens_the_right_of_the_image() -> None:
    for side, sign in (("left", 1), ("right", -1)):
        finding = Finding("pleural effusion", side=side, size="large")
        drawn = [draw("chest x-ray", finding, seed=seed) for seed in range(3)]
        assert sign * halves(lower_chest, *drawn) > 10


def test_a_subdural_haematoma_on_the_right_is_bright_on_the_left_of_the_image() -> None:
    finding = Finding("subdural haematoma", side="right", size="large")
    drawn = [draw("head ct", finding, seed=seed) for seed in range(2)]
    assert halves(lambda picture: picture[100:280, 40:-40], *drawn) < -5


def test_a_mm_is_a_mm_in_the_picture() -> None:
    sizes = []
    for mm in (20, 40):
        picture = draw("brain mri t1", Finding("meningioma", "frontal lobe", "left", "", 1, mm))
        sizes.append((picture - draw("brain mri t1") > 40).sum())
    assert 3.0 < sizes[1] / sizes[0] < 5.5


@pytest.mark.parametrize(
    ("rough", "clean"),
    [
        ("a  8 mm stone.", "An 8 mm stone."),
        ("a MRI. no a mass", "An MRI. No a mass"),
        ("there is a  large cyst", "There is a large cyst"),
    ],
)
def test_articles_spaces_and_capitals_are_put_right(rough: str, clean: str) -> None:
    assert tidy(rough) == clean


def test_the_sequences_of_a_patient_show_the_same_findings(studies: list[Study]) -> None:
    first = {study.patient: study for study in studies if study.visit == 0}
    sequels = [study for study in studies if study.visit and study.kind.sequels]
    assert sequels
    for study in sequels:
        assert study.kind != first[study.patient].kind
        assert study.findings == first[study.patient].findings
