import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.clip import checkpoints
from training.clip.bases import load_base
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import CheckpointError

TEXTS = ["A red disc.", "A blue box on the left side, and much more to say of it than that.", "x"]


@pytest.fixture
def saved(encoder: DualEncoder, tmp_path: Path) -> Path:
    encoder.save(tmp_path / "checkpoint", {"note": "kept"})
    return tmp_path / "checkpoint"


def test_vectors_are_unit_rows_of_the_dimension(encoder: DualEncoder, pairs: list[Pair]) -> None:
    texts = encoder.encode_texts(TEXTS)
    images = encoder.encode_images([pair.image for pair in pairs[:3]])
    assert texts.shape == images.shape == (3, encoder.dimension)
    assert texts.dtype == images.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)


def test_nothing_to_encode_gives_no_rows(encoder: DualEncoder) -> None:
    assert encoder.encode_texts([]).shape == (0, encoder.dimension)
    assert encoder.encode_images([]).shape == (0, encoder.dimension)


def test_the_batch_does_not_change_a_vector(encoder: DualEncoder, pairs: list[Pair]) -> None:
    images = [pair.image for pair in pairs[:5]]
    alone, together = encoder.encode_texts(TEXTS, batch_size=1), encoder.encode_texts(TEXTS)
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(
        encoder.encode_images(images, batch_size=2), encoder.encode_images(images), atol=1e-5
    )


def test_a_text_longer_than_the_limit_is_cut(encoder: DualEncoder) -> None:
    long = "disc " * 500
    assert encoder.tokenise([long])["input_ids"].shape[1] == encoder.max_text_tokens
    longer = encoder.encode_texts([long, long + "and a box"])
    np.testing.assert_allclose(longer[0], longer[1], atol=1e-6)


def test_short_texts_are_not_padded_to_the_limit(encoder: DualEncoder) -> None:
    assert encoder.tokenise(["disc"])["input_ids"].shape[1] < 6


@pytest.mark.parametrize("special", ["<|endoftext|>", "<end>", "[SEP]"])
def test_a_special_token_in_a_text_does_not_end_it(encoder: DualEncoder, special: str) -> None:
    with_disc, with_box = encoder.encode_texts([f"red {special} disc", f"red {special} box"])
    assert np.abs(with_disc - with_box).max() > 1e-3


def test_a_saved_encoder_comes_back_the_same(
    encoder: DualEncoder, saved: Path, pairs: list[Pair]
) -> None:
    back = DualEncoder.load(saved)
    images = [pair.image for pair in pairs[:2]]
    assert back.fingerprint == encoder.fingerprint
    assert (back.dimension, back.base, back.meta["note"]) == (
        encoder.dimension,
        "scratch:tiny",
        "kept",
    )
    np.testing.assert_array_equal(back.encode_texts(TEXTS), encoder.encode_texts(TEXTS))
    np.testing.assert_array_equal(back.encode_images(images), encoder.encode_images(images))
    assert load_base(str(saved)).fingerprint == encoder.fingerprint


def test_other_weights_have_another_fingerprint(pairs: list[Pair]) -> None:
    captions = [pair.caption for pair in pairs]
    changed = load_base("scratch:tiny", captions=captions)
    before = load_base("scratch:tiny", captions=captions).fingerprint
    with torch.no_grad():
        changed.model.visual_projection.weight[0, 0] += 1e-3
    assert changed.fingerprint != before


def test_saving_anew_replaces_the_folder(encoder: DualEncoder, saved: Path) -> None:
    encoder.save(saved, {"note": "second"})
    assert DualEncoder.load(saved).meta["note"] == "second"
    assert [path.name for path in saved.parent.iterdir()] == ["checkpoint"]


def test_a_save_that_fails_leaves_what_was_there(
    encoder: DualEncoder, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, meta: dict[str, object]) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(checkpoints, "write_meta", fail)
    with pytest.raises(OSError, match="disk is full"):
        encoder.save(saved, {"note": "never"})
    assert DualEncoder.load(saved).meta["note"] == "kept"
    assert [path.name for path in saved.parent.iterdir()] == ["checkpoint"]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        DualEncoder.load(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        load_base(str(tmp_path / "nowhere"))


def test_a_foreign_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no meta\.json"):
        DualEncoder.load(tmp_path)
    (tmp_path / "meta.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(CheckpointError, match="of a format this version lacks"):
        DualEncoder.load(tmp_path)


def test_damaged_weights_are_told(saved: Path) -> None:
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        DualEncoder.load(saved)


def test_exchanged_weights_are_told(saved: Path) -> None:
    weights = saved / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-4:] = b"\x00\x00\x80\x3f"
    weights.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="not those that were saved"):
        DualEncoder.load(saved)


def test_damaged_meta_is_told(saved: Path) -> None:
    (saved / "meta.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        DualEncoder.load(saved)


def test_a_base_from_scratch_needs_captions() -> None:
    with pytest.raises(CheckpointError, match="learns its vocabulary from captions"):
        load_base("scratch:tiny")


def test_a_plain_folder_of_hugging_face_files_is_a_base(
    encoder: DualEncoder, tmp_path: Path
) -> None:
    for part in (encoder.model, encoder.tokenizer, encoder.image_processor):
        part.save_pretrained(tmp_path)
    base = load_base(str(tmp_path))
    np.testing.assert_allclose(base.encode_texts(TEXTS), encoder.encode_texts(TEXTS), atol=1e-6)


def test_a_siglip_goes_the_same_way(siglip_folder: Path, pairs: list[Pair]) -> None:
    base = load_base(str(siglip_folder))
    assert base.tokenise(["disc"])["input_ids"].shape == (1, 16)
    assert base.encode_texts(TEXTS).shape == (3, 32)
    assert base.encode_images([pairs[0].image]).shape == (1, 32)


def test_transparency_turns_white_and_16_bits_keep_their_greys(encoder: DualEncoder) -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    np.testing.assert_allclose(
        encoder.encode_images([clear]), encoder.encode_images([Image.new("RGB", (64, 64), "white")])
    )
    ramp = np.tile(np.linspace(0, 4000, 64), (64, 1))
    deep = Image.fromarray(ramp.astype(np.uint16))
    plain = Image.fromarray((ramp * 255 / 4000).astype(np.uint8))
    np.testing.assert_allclose(
        encoder.encode_images([deep]), encoder.encode_images([plain]), atol=1e-2
    )
