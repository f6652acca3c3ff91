"""What a fine-tune can start from."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTextConfig,
    CLIPVisionConfig,
    PreTrainedTokenizerFast,
)

from training.clip import checkpoints, packaged
from training.clip.encoder import DualEncoder
from training.clip.errors import CheckpointError

TINY_VOCABULARY = 2_000
TINY_WIDTH = 128
TINY_IMAGE = 64
TINY_PATCH = 16
TINY_TOKENS = 64


def load_base(spec: str, *, captions: Sequence[str] = ()) -> DualEncoder:
    """
    `spec`: 'packaged', 'scratch:tiny' (needs `captions` for its vocabulary), a folder with a
    checkpoint of ours or any Hugging Face dual encoder, or a hub id such as
    'openai/clip-vit-base-patch32'. Raises CheckpointError.
    """
    if spec == "packaged":
        return packaged_base()
    if spec == "scratch:tiny":
        return tiny_base(captions)
    if spec.startswith("scratch:"):
        raise CheckpointError(f"There is no base {spec!r}; the one from scratch is 'scratch:tiny'.")
    folder = Path(spec)
    if (folder / checkpoints.META_FILE).exists():
        return DualEncoder.load(folder)
    if folder.is_dir():
        return _hugging_face_base(spec)
    if folder.is_absolute() or spec.startswith("."):
        raise CheckpointError(f"There is no checkpoint at {spec}.")
    return _hub_base(spec)


def packaged_base() -> DualEncoder:
    return DualEncoder(
        packaged.packaged_model(),
        packaged.packaged_tokenizer(),
        packaged.packaged_image_processor(),
        base="packaged",
        max_text_tokens=packaged.MAX_TEXT_TOKENS,
    )


def tiny_base(captions: Sequence[str], seed: int = 0) -> DualEncoder:
    """A two-layer CLIP of about 0.25 M parameters, untrained, that reads 64 px images."""
    if not captions:
        raise CheckpointError("The base 'scratch:tiny' learns its vocabulary from captions.")
    tokenizer = _trained_tokenizer(captions)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIPModel(_tiny_config(tokenizer))
    image_processor = CLIPImageProcessorPil(
        size={"height": TINY_IMAGE, "width": TINY_IMAGE}, do_center_crop=False
    )
    return DualEncoder(model, tokenizer, image_processor, base="scratch:tiny")


def _tiny_config(tokenizer: PreTrainedTokenizerFast) -> CLIPConfig:
    shape: dict[str, Any] = {
        "hidden_size": TINY_WIDTH,
        "intermediate_size": 2 * TINY_WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "projection_dim": TINY_WIDTH,
    }
    text = CLIPTextConfig(
        **shape,
        vocab_size=len(tokenizer),
        max_position_embeddings=TINY_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    vision = CLIPVisionConfig(**shape, image_size=TINY_IMAGE, patch_size=TINY_PATCH)
    return CLIPConfig(
        text_config=text.to_dict(),
        vision_config=vision.to_dict(),
        projection_dim=TINY_WIDTH,
        logit_scale_init_value=math.log(1 / 0.07),
    )


def _trained_tokenizer(captions: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE, lower case, so that any text at all has tokens."""
    special = {"pad_token": "<pad>", "bos_token": "<start>", "eos_token": "<end>"}
    # CLIPTextModel treats an end token with id 2 as a mistake of old checkpoints.
    ids = ["<pad>", "<start>", "<unused>", "<end>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TINY_VOCABULARY,
        special_tokens=ids,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(captions, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 1), ("<end>", 3)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)  # type: ignore[no-untyped-call]


def _hugging_face_base(spec: str) -> DualEncoder:
    model, tokenizer, image_processor = checkpoints.read_parts(spec)
    for method in ("get_text_features", "get_image_features"):
        if not hasattr(model, method):
            raise CheckpointError(f"The model at {spec} is no dual encoder: it has no {method}.")
    return DualEncoder(model, tokenizer, image_processor, base=spec)


def _hub_base(spec: str) -> DualEncoder:
    try:
        return _hugging_face_base(spec)
    except CheckpointError as problem:
        raise CheckpointError(
            f"The base {spec!r} is neither a local folder nor a model the hub gave: check the "
            "name and the network, or download it elsewhere and name its folder, or use the "
            "base 'packaged', which needs no hub."
        ) from problem
