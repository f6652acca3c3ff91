import pytest

from training.clip.bases import load_base
from training.clip.config import configure
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.optimising import build_optimiser
from training.clip.towers import Towers


@pytest.fixture
def towers(pairs: list[Pair]) -> Towers:
    base = load_base("scratch:tiny", captions=[pair.caption for pair in pairs])
    return Towers(base, configure("tiny", {}))


def rates(towers: Towers, **settings: str) -> dict[str, tuple[float, float]]:
    """Learning rate and decay of each parameter."""
    optimiser = build_optimiser(towers, configure("tiny", {"learning_rate": "1e-3", **settings}))
    names = {id(parameter): name for name, parameter in towers.parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimiser.param_groups
        for parameter in group["params"]
    }


def test_each_layer_learns_slower_than_the_one_above_it(towers: Towers) -> None:
    found = rates(towers, layer_decay="0.5")
    assert set(found) == {name for name, _ in towers.parameters()}
    for tower in ("text_model", "vision_model"):
        layer = f"{tower}.encoder.layers.{{}}.mlp.fc1.weight"
        assert found[layer.format(1)][0] == pytest.approx(1e-3)
        assert found[layer.format(0)][0] == pytest.approx(5e-4)
    assert found["text_model.embeddings.token_embedding.weight"][0] == pytest.approx(2.5e-4)
    assert found["vision_model.embeddings.patch_embedding.weight"][0] == pytest.approx(2.5e-4)
    assert found["text_projection.weight"][0] == found["logit_scale"][0] == pytest.approx(1e-3)


def test_only_matrices_decay(towers: Towers) -> None:
    found = rates(towers, weight_decay="0.2")
    assert {decay for name, (_, decay) in found.items() if name.endswith("bias")} == {0.0}
    assert found["logit_scale"][1] == 0
    assert found["text_projection.weight"][1] == 0.2


def test_attention_is_torchs_own_and_the_optimiser_fused(
    towers: Towers, encoder: DualEncoder
) -> None:
    assert towers.model.text_model.config._attn_implementation == "sdpa"
    assert towers.model.vision_model.config._attn_implementation == "sdpa"
    assert build_optimiser(towers, configure("tiny", {})).defaults["fused"] is True
