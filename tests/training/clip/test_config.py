import dataclasses
import subprocess
import sys

import pytest

from training.clip.config import PRESETS, RECOMMENDED, configure


@pytest.mark.parametrize(
    ("preset", "samples", "batch_size", "learning_rate", "epochs"),
    [
        ("seed-run1", 20_000, 32, 5e-5, 5),
        ("seed-run2", 20_000, 64, 5e-5, 5),
        ("seed-run3", 20_000, 64, 1e-4, 5),
        ("seed-run4", 20_000, 64, 5e-5, 10),
        ("seed-run5", 50_000, 64, 5e-5, 10),
    ],
)
def test_the_presets_of_the_first_demo_are_kept(
    preset: str, samples: int, batch_size: int, learning_rate: float, epochs: int
) -> None:
    config = PRESETS[preset]
    table = (config.samples_per_epoch, config.batch_size, config.learning_rate, config.epochs)
    assert table == (samples, batch_size, learning_rate, epochs)
    assert (config.betas, config.eps, config.weight_decay) == ((0.9, 0.999), 1e-6, 0.0)
    assert (config.schedule, config.warmup_fraction, config.max_grad_norm) == ("linear", 0.0, None)
    assert (config.precision, config.max_text_tokens, config.select) == ("fp32", 64, "last")
    assert (config.image_tower, config.text_tower) == ("tune", "tune")


def test_settings_are_read_by_the_type_of_their_field() -> None:
    config = configure(
        "recommended",
        {
            "learning_rate": "1e-4",
            "batch_size": "32",
            "betas": "0.9,0.95",
            "max_grad_norm": "none",
            "samples_per_epoch": "20_000",
            "image_tower": "tune",
        },
    )
    assert (config.learning_rate, config.batch_size, config.betas) == (1e-4, 32, (0.9, 0.95))
    assert (config.max_grad_norm, config.samples_per_epoch) == (None, 20_000)
    assert config.image_tower == "tune"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"learnin_rate": "1"}, "no setting 'learnin_rate'; allowed are epochs"),
        ({"epochs": "two"}, "epochs must be a whole number, not 'two'"),
        ({"epochs": "0"}, "epochs must be more than 0"),
        ({"learning_rate": "nan"}, "learning_rate must be more than 0"),
        ({"image_tower": "melted"}, "image_tower must be one of tune, frozen"),
        ({"betas": "0.9"}, "betas must be two numbers with a comma"),
        ({"holdout_fraction": "1"}, "holdout_fraction must be at least 0 and below 1"),
        ({"batch_size": "1"}, "batch_size must be 2 or more"),
        ({"layer_decay": "1.2"}, "layer_decay must be more than 0 and at most 1"),
        ({"lora_rank": "0"}, "lora_rank must be more than 0"),
    ],
)
def test_a_bad_setting_is_refused_with_what_is_allowed(
    written: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        configure("recommended", written)


@pytest.mark.parametrize(
    ("base", "kind"),
    [
        ("packaged", "packaged"),
        ("scratch:tiny", "scratch"),
        ("openai/clip-vit-base-patch32", "pretrained"),
        ("/models/siglip", "pretrained"),
    ],
)
def test_what_is_recommended_depends_on_what_the_base_brings(base: str, kind: str) -> None:
    config = configure("recommended", {"epochs": "7"}, base)
    assert config == dataclasses.replace(RECOMMENDED[kind], epochs=7)
    assert configure("tiny", {}, base) == PRESETS["tiny"]


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"seed-run1.*recommended.*tiny"):
        configure("best", {})


def test_no_settings_give_the_preset_itself() -> None:
    assert configure("tiny", {}) == PRESETS["tiny"]
    assert dataclasses.is_dataclass(PRESETS["tiny"])


def test_settings_load_without_torch() -> None:
    code = "import sys, training.clip.config; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
