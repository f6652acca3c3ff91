"""Settings of a fine-tune. Imports no torch: web processes read this at start."""

import dataclasses
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Union, get_args, get_origin, get_type_hints

Tower = Literal["tune", "frozen", "lora"]


@dataclass(frozen=True)
class Config:
    """
    `samples_per_epoch`: None passes over every pair once; a number draws that many with
        replacement.
    `micro_batch`: pairs that go through the towers at once, where a whole batch does not fit:
        the gradient is that of the whole batch (GradCache), at the cost of a second forward
        pass. None = the batch; memory that runs out halves it.
    `head_learning_rate`: for projection heads that came untrained; towers that came with
        trained heads (CLIP, SigLIP) use `learning_rate` throughout.
    `layer_decay`: the rate of each layer is that of the one above it times this.
    `image_tower`, `text_tower`: 'frozen' towers are run once and their features kept; 'lora'
        tunes low-rank changes of `lora_rank` to their attention, merged when saved.
    `frozen_text_layers`: of a tuned text tower, the embeddings and this many of the lowest
        layers stay as they are; a third of the time, and less to overfit with.
    `head_start`: untrained heads begin where canonical correlation analysis puts them (heads.py),
        or at random.
    `image_views`: above 1, pictures are mildly cropped, turned and relit: anew in each batch
        for a tuned tower, as so many kept copies (the first as it is) for a frozen one. Never
        mirrored: left and right are findings.
    `caption_windows`: what the text tower reads of a caption in training: the 'whole' of it, cut
        at the limit; of 'long' ones some sentences in a row that fit; of 'any', half of the time.
    `feature_dropout`: on what a tower hands to an untrained projection head.
    `objective`: 'auto' is the sigmoid loss for models that came with its bias (SigLIP), else
        InfoNCE.
    `equal_captions`: pairs that share a caption are each other's 'positives' where they meet in a
        batch; or they are kept 'apart' (and are positives where that cannot be); or they are
        'negatives' as in plain InfoNCE.
    `ema_decay`: the evaluated weights are an exponential average over steps; 0 = off.
    `blends`: so many steps between the weights begun with and the tuned ones are tried on the
        held-out groups, and the best is kept (WiSE-FT); 0 = the tuned ones.
    `precision`: 'auto' is bf16 where the device has it; normalising and the loss are fp32.
    `holdout_fraction`: part of the training groups that is kept aside to choose the epoch.
        With 0 the validation pairs choose it, and their numbers are no longer unseen.
    `patience`: measured epochs without a better holdout before stopping; None = never.
    `keep_last`: so many of the last measured epochs stay as checkpoints beside the best.
    `max_seconds`: the schedule is shortened to end here, so a run with it is not repeatable
        to the last digit.
    """

    epochs: int = 10
    samples_per_epoch: int | None = None
    batch_size: int = 128
    micro_batch: int | None = None
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    warmup_fraction: float = 0.1
    schedule: Literal["cosine", "linear"] = "cosine"
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    layer_decay: float = 1.0
    max_grad_norm: float | None = 1.0
    max_text_tokens: int = 64
    image_tower: Tower = "tune"
    text_tower: Tower = "tune"
    lora_rank: int = 8
    frozen_text_layers: int = 0
    head_start: Literal["cca", "random"] = "cca"
    image_views: int = 1
    caption_windows: Literal["whole", "long", "any"] = "whole"
    feature_dropout: float = 0.0
    label_smoothing: float = 0.0
    objective: Literal["auto", "info-nce", "sigmoid"] = "auto"
    equal_captions: Literal["positives", "apart", "negatives"] = "apart"
    ema_decay: float = 0.0
    blends: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = 0
    eval_every: int = 1
    patience: int | None = None
    select: Literal["best", "last"] = "best"
    keep_last: int = 0
    holdout_fraction: float = 0.1
    max_seconds: float | None = None
    log_every: int = 10


def _seed_run(samples: int, batch_size: int, learning_rate: float, epochs: int) -> Config:
    """The optimiser of the demo this product succeeds, kept as it was."""
    return Config(
        epochs=epochs,
        samples_per_epoch=samples,
        batch_size=batch_size,
        learning_rate=learning_rate,
        head_learning_rate=learning_rate,
        warmup_fraction=0.0,
        schedule="linear",
        weight_decay=0.0,
        betas=(0.9, 0.999),
        max_grad_norm=None,
        head_start="random",
        objective="info-nce",
        equal_captions="negatives",
        precision="fp32",
        select="last",
        holdout_fraction=0.0,
    )


# What to do with a base depends on what it brings.
RECOMMENDED = {
    # Towers that were never trained together: heads in closed form, then gently the text tower.
    "packaged": Config(
        epochs=2,
        learning_rate=1e-4,
        head_learning_rate=1e-4,
        image_tower="frozen",
        frozen_text_layers=3,
        blends=10,
    ),
    # Nothing was learned yet: a high rate, and all that can be shown to it.
    "scratch": Config(
        epochs=12, batch_size=64, learning_rate=1e-3, weight_decay=0.05, max_text_tokens=48
    ),
    # CLIP, SigLIP and their like: gently, and not too far from what they know.
    "pretrained": Config(
        batch_size=256,
        layer_decay=0.75,
        ema_decay=0.99,
        blends=10,
        image_views=2,
        caption_windows="long",
        patience=3,
    ),
}

PRESETS: dict[str, Config] = {
    "seed-run1": _seed_run(20_000, 32, 5e-5, 5),
    "seed-run2": _seed_run(20_000, 64, 5e-5, 5),
    "seed-run3": _seed_run(20_000, 64, 1e-4, 5),
    "seed-run4": _seed_run(20_000, 64, 5e-5, 10),
    "seed-run5": _seed_run(50_000, 64, 5e-5, 10),
    "recommended": RECOMMENDED["pretrained"],
    # Heads alone, on features computed once: the cheapest run that is of use.
    "quick": Config(
        epochs=4,
        batch_size=64,
        head_learning_rate=1e-4,
        image_tower="frozen",
        text_tower="frozen",
        blends=10,
    ),
    "tiny": Config(
        epochs=12, batch_size=64, learning_rate=1e-3, weight_decay=0.05, max_text_tokens=48
    ),
}


def preset_for(preset: str, base: str) -> Config:
    """`base` as given to load_base; 'recommended' is another for each kind of base."""
    if preset == "recommended":
        return RECOMMENDED.get(base.partition(":")[0], RECOMMENDED["pretrained"])
    return PRESETS[preset]


def configure(preset: str, settings: Mapping[str, str], base: str = "packaged") -> Config:
    """Raises ValueError with a sentence that lists what is allowed."""
    if preset not in PRESETS:
        raise ValueError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    fields = get_type_hints(Config)
    changes: dict[str, object] = {}
    for name, text in settings.items():
        if name not in fields:
            raise ValueError(f"There is no setting {name!r}; allowed are {', '.join(fields)}.")
        changes[name] = _parse(name, text.strip(), fields[name])
    config = dataclasses.replace(preset_for(preset, base), **changes)  # type: ignore[arg-type]
    _refuse_out_of_range(config)
    return config


def _parse(name: str, text: str, kind: object) -> object:
    origin, choices = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if text.lower() in ("none", ""):
            return None
        return _parse(name, text, choices[0])
    if origin is Literal:
        if text not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {text!r}.")
        return text
    try:
        if origin is tuple:
            first, second = text.strip("()").split(",")
            return float(first), float(second)
        return int(text.replace("_", "")) if kind is int else float(text)
    except ValueError:
        wanted = {int: "a whole number", float: "a number"}
        raise ValueError(
            f"{name} must be {wanted.get(kind, 'two numbers with a comma')}, not {text!r}."  # type: ignore[call-overload]
        ) from None


def _is_positive(value: float) -> bool:
    return 0 < value < float("inf")


def _is_not_negative(value: float) -> bool:
    return 0 <= value < float("inf")


def _is_fraction(value: float) -> bool:
    return 0 <= value < 1


_RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    **dict.fromkeys(
        (
            *("epochs", "samples_per_epoch", "learning_rate", "head_learning_rate", "eps"),
            *("max_grad_norm", "micro_batch", "image_views", "eval_every", "patience"),
            *("max_seconds", "log_every", "lora_rank"),
        ),
        (_is_positive, "more than 0"),
    ),
    **dict.fromkeys(
        ("weight_decay", "frozen_text_layers", "blends", "keep_last", "seed"),
        (_is_not_negative, "0 or more"),
    ),
    **dict.fromkeys(
        (
            *("warmup_fraction", "feature_dropout", "label_smoothing"),
            *("ema_decay", "holdout_fraction"),
        ),
        (_is_fraction, "at least 0 and below 1"),
    ),
    "layer_decay": (lambda value: 0 < value <= 1, "more than 0 and at most 1"),
    "batch_size": (lambda value: value >= 2, "2 or more, for a pair needs another to differ from"),
    "max_text_tokens": (lambda value: value >= 4, "4 or more"),
}


def _refuse_out_of_range(config: Config) -> None:
    for name, (is_allowed, wanted) in _RANGES.items():
        value = getattr(config, name)
        if value is not None and not is_allowed(value):
            raise ValueError(f"{name} must be {wanted}, not {value}.")
    if config.text_tower == "frozen" and config.caption_windows != "whole":
        raise ValueError(
            "caption_windows must be whole where text_tower is frozen: its features are kept."
        )
    if not all(_is_fraction(beta) for beta in config.betas):
        raise ValueError(f"betas must each be at least 0 and below 1, not {config.betas}.")
