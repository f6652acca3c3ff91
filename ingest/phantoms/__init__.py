"""A demo corpus: medical-looking pictures drawn from nothing, with their captions and truth."""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from ingest.phantoms.captions import Caption, write_caption
from ingest.phantoms.planning import picture_stream, plan_study
from ingest.phantoms.study import Study

__all__ = ["Phantom", "draw_corpus", "draw_phantom"]


@dataclass(frozen=True)
class Phantom:
    external_id: str
    image: Image.Image
    caption: str
    modality: str
    anatomy: str
    sex: str
    """Like age, empty unless the caption states it; `truth` always has both."""
    age: float | None
    laterality: str
    group_key: str
    truth: dict[str, object]


def draw_corpus(count: int = 800, seed: int = 7) -> Iterator[Phantom]:
    """Pictures one after another; picture i is the same however many are drawn."""
    return (draw_phantom(index, seed) for index in range(count))


def draw_phantom(index: int, seed: int = 7) -> Phantom:
    study, rng = plan_study(seed, index), picture_stream(seed, index)
    caption = write_caption(study, rng)
    return Phantom(
        external_id=f"phantom-{index + 1:04d}",
        image=study.kind.draw(study, rng),
        caption=caption.text,
        modality=study.kind.modality,
        anatomy=study.kind.anatomy,
        sex=study.patient.sex if caption.states_patient else "",
        age=study.patient.age if caption.states_patient else None,
        laterality=study.laterality(),
        group_key=f"phantom-patient-{study.patient.number + 1:04d}",
        truth=_truth(study, caption),
    )


def _truth(study: Study, caption: Caption) -> dict[str, object]:
    return {
        "kind": study.kind.name,
        "plane": study.kind.plane,
        "sequence": study.kind.sequence,
        "side": study.side,
        "findings": [finding.as_truth() for finding in study.findings],
        "sex": study.patient.sex,
        "age": study.patient.age,
        "style": caption.style,
    }
