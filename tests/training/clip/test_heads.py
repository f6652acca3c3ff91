import torch

from training.clip.evaluate import per_query
from training.clip.heads import correlated_heads


def draw_sides(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """20 and 12 features that share three factors, each with noise of its own."""
    maker = torch.Generator().manual_seed(7)
    to_images, to_texts = torch.randn(3, 20, generator=maker), torch.randn(3, 12, generator=maker)
    rng = torch.Generator().manual_seed(seed)
    shared = torch.randn(count, 3, generator=rng)
    images = shared @ to_images + torch.randn(count, 20, generator=rng) + 5
    texts = shared @ to_texts + torch.randn(count, 12, generator=rng) - 3
    return images, texts


def test_heads_find_what_both_sides_share() -> None:
    image_head, text_head = correlated_heads(*draw_sides(400, seed=1), width=8)
    images, texts = draw_sides(60, seed=2)
    seen = images @ image_head.weight.T + image_head.bias
    read = texts @ text_head.weight.T + text_head.bias
    labels = torch.arange(60).numpy()
    seen, read = (torch.nn.functional.normalize(side, dim=1) for side in (seen, read))
    assert per_query(read.numpy(), seen.numpy(), labels)["recall@5"].mean() > 0.6


def test_each_direction_of_one_side_goes_with_one_of_the_other() -> None:
    images, texts = draw_sides(400, seed=1)
    image_head, text_head = correlated_heads(images, texts, width=12)
    seen = images @ image_head.weight.T + image_head.bias
    read = texts @ text_head.weight.T + text_head.bias
    torch.testing.assert_close(seen.mean(0), torch.zeros(12), atol=1e-4, rtol=0)
    shared = seen.T @ read / len(images)
    own = shared.diagonal()
    torch.testing.assert_close(shared - own.diag(), torch.zeros(12, 12), atol=1e-4, rtol=0)
    assert own[:3].min() > 10 * own[3:].max()
    assert torch.equal(own, own.sort(descending=True).values)


def test_more_features_than_pairs_are_no_trouble_and_the_rest_of_the_width_is_zero() -> None:
    images, texts = torch.randn(6, 50), torch.randn(6, 40)
    image_head, text_head = correlated_heads(images, texts, width=16)
    assert image_head.weight.shape == (16, 50)
    assert torch.isfinite(image_head.weight).all()
    assert torch.isfinite(text_head.weight).all()
    assert not image_head.weight[6:].any()
