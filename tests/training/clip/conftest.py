"""Small pictures with captions that say what is on them, and a tiny encoder to tune on them."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw
from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

from training.clip.bases import load_base
from training.clip.config import Config, configure
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.finetune import EpochPoint, Outcome, StepPoint, finetune

COLOURS = {"red": "#dd2a2a", "green": "#28b43c", "blue": "#3246dc", "yellow": "#e6d228"}
SHAPES = ("disc", "box", "bar")


def draw_shape(colour: str, shape: str, side: str, rng: random.Random) -> Image.Image:
    picture = Image.new("RGB", (64, 64), "#141414")
    draw = ImageDraw.Draw(picture)
    left = (4 if side == "left" else 36) + rng.randint(-2, 2)
    top = rng.randint(4, 36)
    height = 6 if shape == "bar" else 22
    area = (left, top, left + 22, top + height)
    (draw.ellipse if shape == "disc" else draw.rectangle)(area, fill=COLOURS[colour])
    return picture


def make_pairs(folder: Path, count: int, seed: int = 0) -> list[Pair]:
    """Groups of two, so that a split by group has something to keep together."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for number in range(count):
        colour, shape = rng.choice(list(COLOURS)), rng.choice(SHAPES)
        side = rng.choice(["left", "right"])
        path = folder / f"{seed}-{number}.png"
        draw_shape(colour, shape, side, rng).save(path)
        caption = f"A {colour} {shape} on the {side} side."
        pairs.append(Pair(path, caption, f"article {seed}-{number // 2}", f"{seed}-{number}"))
    return pairs


class Tuner:
    """Runs a fine-tune and keeps what it told."""

    def __init__(self) -> None:
        self.steps: list[StepPoint] = []
        self.epochs: list[EpochPoint] = []
        self.reads: list[tuple[int, int, str]] = []
        self.notes: list[str] = []
        self.starts: list[tuple[int, int]] = []
        self.stop_after: int | None = None
        self.stop_at_step: int | None = None
        self.asked = 0

    def should_stop(self) -> bool:
        self.asked += 1
        if self.stop_at_step is not None:
            return bool(self.steps) and self.steps[-1].step >= self.stop_at_step
        return self.stop_after is not None and self.asked > self.stop_after

    def run(
        self,
        encoder: DualEncoder,
        train: list[Pair],
        folder: Path,
        validation: list[Pair] | None = None,
        state_file: Path | None = None,
        preset: str = "tiny",
        **settings: object,
    ) -> Outcome:
        written = {name: str(value) for name, value in settings.items()}
        config: Config = configure(preset, written, encoder.base)
        return finetune(
            encoder,
            train,
            validation or [],
            config,
            folder,
            on_step=self.steps.append,
            on_epoch=self.epochs.append,
            on_read=lambda *read: self.reads.append(read),
            should_stop=self.should_stop,
            on_note=self.notes.append,
            on_start=lambda *before: self.starts.append(before),
            state_file=state_file,
        )


@pytest.fixture
def tuner() -> Tuner:
    return Tuner()


@pytest.fixture
def make_tuner() -> type[Tuner]:
    """For tests that compare several runs."""
    return Tuner


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    return make_pairs(tmp_path_factory.mktemp("shapes"), 48)


@pytest.fixture
def draw_pairs(tmp_path: Path) -> Callable[..., list[Pair]]:
    return lambda count, seed: make_pairs(tmp_path / "pictures", count, seed)


@pytest.fixture(scope="session")
def encoder(pairs: list[Pair]) -> DualEncoder:
    return load_base("scratch:tiny", captions=[pair.caption for pair in pairs])


@pytest.fixture(scope="session")
def siglip_folder(encoder: DualEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder with an untrained SigLIP of two layers a side."""
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2}
    text = {
        "vocab_size": len(encoder.tokenizer),
        "max_position_embeddings": 16,
        "projection_size": 32,
        "bos_token_id": 1,
        "eos_token_id": 3,
        "pad_token_id": 0,
    }
    config = SiglipConfig(
        text_config={**shape, **heads, **text},
        vision_config={**shape, **heads, "image_size": 32, "patch_size": 8},
    )
    folder = tmp_path_factory.mktemp("siglip")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        SiglipModel(config).save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder
