"""Axial head CT and brain MRI: one anatomy, coloured by what each technique makes bright."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ingest.phantoms.canvas import Canvas, Floats, Point, Pose, blurred, curve, mirrored, smoothstep
from ingest.phantoms.study import Finding, Study, shared_out, signs

MM_PER_UNIT = 92.0
BRAIN_RADII = (0.74, 0.93)
LOBES = {
    "frontal lobe": (0.34, -0.48),
    "temporal lobe": (0.54, 0.10),
    "parietal lobe": (0.46, 0.40),
    "occipital lobe": (0.26, 0.66),
    "basal ganglia": (0.30, -0.06),
}


@dataclass(frozen=True)
class Signal:
    """Brightness of each tissue, from 0 to 1."""

    fluid: float
    grey: float
    white: float
    bone: float
    marrow: float
    scalp: float
    lesion: float
    oedema: float
    noise: float


SIGNALS = {
    "CT": Signal(0.14, 0.47, 0.40, 1.0, 0.88, 0.34, 0.33, 0.24, 0.035),
    "T1": Signal(0.08, 0.40, 0.60, 0.05, 0.55, 0.92, 0.22, 0.34, 0.022),
    "T2": Signal(0.97, 0.56, 0.33, 0.04, 0.38, 0.66, 0.80, 0.86, 0.025),
    "FLAIR": Signal(0.05, 0.50, 0.38, 0.04, 0.36, 0.58, 0.92, 0.84, 0.030),
}


class Head(Canvas):
    """A canvas that knows the technique and where the brain is."""

    signal: Signal
    brain: Floats
    depth: Floats
    """How far inside the surface of the brain, in body units."""

    def survey(self) -> None:
        narrowed = self.x * (1 - np.float32(0.09) * self.y)
        radius = np.hypot(narrowed / BRAIN_RADII[0], self.y / BRAIN_RADII[1])
        self.depth = (1 - radius) * np.float32(BRAIN_RADII[0])
        self.brain = self.shell(0.0)

    def shell(self, grow: float) -> Floats:
        """Everything inside a surface so far outside the brain's; an egg, narrow in front."""
        return smoothstep((self.depth + np.float32(grow)) * np.float32(80) + np.float32(0.5))

    def blend(self, mask: Floats, value: float | Floats) -> None:
        self.texture(mask, value - self.pixels[..., 0])


def draw(study: Study, rng: np.random.Generator) -> Image.Image:
    pose = Pose(
        tilt=float(rng.normal(0, 0.045)),
        shift=(float(rng.normal(0, 0.015)), float(rng.normal(0, 0.015))),
        zoom=float(rng.normal(1.0, 0.025)),
    )
    head = Head(320, 384, 0.0, pose)
    head.signal = SIGNALS[study.kind.sequence or "CT"]
    head.survey()
    _draw_skull(head)
    _draw_tissue(head, rng)
    _draw_ventricles(head, study, rng)
    for finding in study.findings:
        PAINTERS[finding.what](head, finding, rng)
    if study.kind.sequence:
        shading = 1 + 0.10 * head.cloud(rng, 1.4)
        head.pixels *= shading[..., None]
    head.film_grain(rng, head.signal.noise)
    return head.image(blur=0.55, gamma=float(rng.uniform(0.9, 1.12)))


def _draw_skull(head: Head) -> None:
    signal = head.signal
    head.blend(head.shell(0.17), signal.scalp)
    head.blend(head.shell(0.115), signal.bone)
    head.blend(head.shell(0.085) * (1 - head.shell(0.05)), signal.marrow)
    head.blend(head.shell(0.015), signal.fluid)


def _draw_tissue(head: Head, rng: np.random.Generator) -> None:
    """Cortex, sulci and white matter out of noise that is folded near the surface."""
    signal, depth = head.signal, head.depth
    folds = np.exp(-np.square(head.cloud(rng, 0.085) / 0.26))
    ct = signal.bone == 1.0
    sulci = folds * smoothstep((np.float32(0.12 if ct else 0.17) - depth) / np.float32(0.09))
    cortex = smoothstep((0.085 + 0.10 * folds - depth + 0.02 * head.cloud(rng, 0.1)) / 0.03)
    sylvian = [curve(mirrored([(0.72, -0.02), (0.52, -0.06), (0.44, 0.04)], s)) for s in (-1, 1)]
    fissures = head.strokes(sylvian, 0.022, 0.008)
    midline = [[(0, -0.95), (0, -0.42)], [(0, 0.36), (0, 0.95)]]
    head.blend(head.brain, signal.white)
    head.blend(head.brain * cortex, signal.grey)
    for sign in (-1, 1):
        for x, y, radii, turn in (
            (0.20, -0.22, (0.05, 0.11), -0.3),
            (0.32, -0.06, (0.06, 0.16), 0.25),
            (0.12, 0.12, (0.09, 0.14), 0.35),
        ):
            nucleus = head.ellipse((sign * x, y), radii, -sign * turn, 0.03)
            head.paint(nucleus, signal.grey, 0.9)
    head.paint(head.strokes(midline, 0.055, 0.01).within(head.brain), signal.grey)
    head.blend(head.brain * blurred(sulci, 0.6) * (0.5 if ct else 0.85), signal.fluid)
    head.paint(fissures.within(head.brain), signal.fluid, 0.9)
    falx = 0.60 if ct else signal.fluid
    head.paint(head.strokes(midline, 0.014, 0.004).within(head.brain), falx)
    head.texture(head.brain, 0.012 * head.cloud(rng, 0.03))


def _draw_ventricles(head: Head, study: Study, rng: np.random.Generator) -> None:
    ageing = max(study.patient.age - 40, 0) / 40
    width = 0.055 + 0.03 * ageing + float(rng.uniform(-0.008, 0.008))
    spread = 1.0
    if study.has("hydrocephalus"):
        width, spread = float(rng.uniform(0.17, 0.21)), 1.25
    for sign in (-1, 1):
        front = [(0.05, 0.06), (0.08, -0.12), (0.13, -0.28), (0.20, -0.38)]
        back = [(0.10, 0.16), (0.20, 0.24), (0.25, 0.38), (0.21, 0.52)]
        for horn in (front, back):
            path = curve(
                mirrored([(x * spread, y * (1 + (spread - 1) / 2)) for x, y in horn], sign)
            )
            head.paint(head.strokes([path], width, 0.012), head.signal.fluid)
            end = (float(path[-1, 0]), float(path[-1, 1]))
            head.paint(
                head.ellipse(end, (width * 0.55, width * 0.55), soft=0.02), head.signal.fluid
            )
        if head.signal.bone == 1.0:
            head.paint(head.ellipse((sign * 0.21, 0.36), (0.022, 0.03), soft=0.012), 0.95)
    head.paint(head.strokes([[(0, 0.0), (0, 0.16)]], width * 0.4, 0.008), head.signal.fluid)


def _place(finding: Finding, sign: int, rng: np.random.Generator) -> Point:
    x, y = LOBES[finding.where]
    return sign * (x + float(rng.uniform(-0.04, 0.04))), y + float(rng.uniform(-0.05, 0.05))


def _lump(
    head: Head, centre: Point, radius: float, rng: np.random.Generator, rough: float
) -> Floats:
    """A lobulated region of the brain."""
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    radii = radius * (1 + rough * rng.uniform(-1, 1, 12))
    rim = [
        (float(centre[0] + r * np.cos(a)), float(centre[1] + r * np.sin(a)))
        for a, r in zip(angles, radii, strict=True)
    ]
    return head.spread(head.outline(rim, 0.01)) * head.brain


def _tumour(head: Head, finding: Finding, rng: np.random.Generator) -> None:
    """A rim that enhances on T1 around a necrotic core, with oedema."""
    signal, radius = head.signal, finding.mm / 2 / MM_PER_UNIT
    enhances = signal is SIGNALS["T1"]
    for sign in signs(finding.side):
        centre = _place(finding, sign, rng)
        swelling = blurred(_lump(head, centre, radius * 1.55, rng, 0.25), 3)
        head.blend(swelling * 0.9, signal.oedema)
        head.blend(_lump(head, centre, radius, rng, 0.10), 0.97 if enhances else signal.grey)
        core = _lump(head, centre, radius * 0.70, rng, 0.15)
        head.blend(core, 0.16 if enhances else max(signal.fluid, 0.68))


def _meningioma(head: Head, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    for sign in signs(finding.side):
        x, y = LOBES[finding.where]
        turn = np.arctan2(y / BRAIN_RADII[1], x / BRAIN_RADII[0])
        reach = 1 - radius * 0.75 / BRAIN_RADII[0]
        centre = (
            sign * reach * BRAIN_RADII[0] * float(np.cos(turn)),
            reach * BRAIN_RADII[1] * float(np.sin(turn)),
        )
        cleft = head.ellipse(centre, (radius + 0.025, radius + 0.025), soft=0.01)
        head.paint(cleft.within(head.brain), head.signal.fluid, 0.85)
        value = {"T1": 0.93, "T2": 0.66, "FLAIR": 0.74}
        shade = next(value[name] for name in value if SIGNALS[name] is head.signal)
        head.paint(head.ellipse(centre, (radius, radius), soft=0.012).within(head.brain), shade)


def _infarct(head: Head, finding: Finding, rng: np.random.Generator) -> None:
    """A wedge that reaches the surface, both cortex and white matter."""
    wide = 0.20 if finding.size == "small" else 0.40
    for sign in signs(finding.side):
        x, y = LOBES[finding.where]
        turn = float(np.arctan2(y, x))
        tip = (0.25 * np.cos(turn), 0.25 * np.sin(turn))
        fan = [
            (1.2 * np.cos(turn + t), 1.2 * np.sin(turn + t)) for t in np.linspace(-wide, wide, 6)
        ]
        wedge = head.outline(mirrored([tip, *fan], sign), 0.025)
        mask = head.spread(wedge) * head.brain
        if head.signal.bone == 1.0:
            head.blend(mask * 0.85, 0.17)
        else:
            head.blend(mask * np.clip(0.85 + 0.1 * head.cloud(rng, 0.1), 0, 1), head.signal.lesion)


def _haemorrhage(head: Head, finding: Finding, rng: np.random.Generator) -> None:
    radius = finding.mm / 2 / MM_PER_UNIT
    for sign in signs(finding.side):
        centre = _place(finding, sign, rng)
        head.blend(blurred(_lump(head, centre, radius * 1.35, rng, 0.2), 2) * 0.9, 0.25)
        head.blend(_lump(head, centre, radius, rng, 0.14), 0.86)


def _subdural(head: Head, finding: Finding, rng: np.random.Generator) -> None:
    thick = 0.085 if finding.size == "small" else 0.19
    for sign in signs(finding.side):
        inner = head.spread(head.ellipse((-sign * thick, 0.0), (0.745, 0.98), soft=0.015))
        flank = smoothstep(head.x * sign * 5 - 0.2)
        crescent = head.shell(0.012) * (1 - inner) * flank
        head.blend(crescent, 0.84)


def _white_matter(head: Head, finding: Finding, rng: np.random.Generator) -> None:
    shade = 0.12 if head.signal is SIGNALS["T1"] else 0.96
    spots = [(0.30, -0.42), (0.36, 0.22), (0.26, 0.50), (0.44, -0.22), (0.40, 0.44), (0.22, -0.52)]
    order = shared_out(finding, rng)
    for index, sign in enumerate(order):
        x, y = spots[order[:index].count(sign) % len(spots)]
        centre = (sign * (x + float(rng.uniform(-0.03, 0.03))), y + float(rng.uniform(-0.03, 0.03)))
        radii = (float(rng.uniform(0.035, 0.05)), float(rng.uniform(0.05, 0.07)))
        head.paint(head.ellipse(centre, radii, sign * 0.5, 0.015), shade)


def _hydrocephalus(head: Head, finding: Finding, rng: np.random.Generator) -> None:
    """Drawn with the ventricles; fluid seeps into the tissue around the horns."""
    for sign in (-1, 1):
        cap = head.ellipse((sign * 0.30, -0.52), (0.08, 0.07), soft=0.08)
        head.paint(cap, head.signal.oedema, 0.5)


PAINTERS: dict[str, Callable[[Head, Finding, np.random.Generator], None]] = {
    "brain tumour": _tumour,
    "meningioma": _meningioma,
    "cerebral infarct": _infarct,
    "intracerebral haemorrhage": _haemorrhage,
    "subdural haematoma": _subdural,
    "white matter lesions": _white_matter,
    "hydrocephalus": _hydrocephalus,
}
