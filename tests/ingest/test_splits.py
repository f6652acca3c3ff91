import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.models import Collection, Image
from ingest.splits import TRAIN, VALIDATION, assign_splits, split_of

pytestmark = pytest.mark.django_db

SIDES = ["", "train", "validation", "test"]


def make_images(rows: list[tuple[str, str]]) -> Collection:
    """One collection of images given as (group, given side)."""
    collection, _ = Collection.objects.get_or_create(name="splits")
    collection.images.all().delete()
    Image.objects.bulk_create(
        Image(
            collection=collection,
            external_id=str(number),
            width=1,
            height=1,
            group_key=group,
            split=side,
        )
        for number, (group, side) in enumerate(rows)
    )
    return collection


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(SIDES)), max_size=25))
def test_no_group_ever_stands_on_two_sides(rows: list[tuple[str, str]]) -> None:
    collection = make_images(rows)
    assign_splits(collection)
    sides: dict[str, set[str]] = {}
    for group, side in collection.images.values_list("group_key", "split"):
        sides.setdefault(group, set()).add(side)
    assert all(len(found) == 1 and found != {""} for found in sides.values())


def test_given_sides_are_honoured() -> None:
    collection = make_images([("a", "train"), ("b", "validation"), ("c", "test")])
    assert assign_splits(collection) == []
    assert dict(collection.images.values_list("group_key", "split")) == {
        "a": "train",
        "b": "validation",
        "c": "test",
    }


def test_a_torn_group_is_held_out_whole_and_named() -> None:
    collection = make_images([("a", "train"), ("a", "test"), ("b", "train")])
    assert assign_splits(collection) == ["a"]
    assert list(collection.images.order_by("pk").values_list("split", flat=True)) == [
        "test", "test", "train",
    ]  # fmt: skip


def test_a_new_image_joins_the_side_of_its_group() -> None:
    collection = make_images([("a", "test"), ("b", "train"), ("a", "")])
    assign_splits(collection)
    assert collection.images.get(external_id="2").split == "test"


def test_the_side_depends_on_the_group_alone() -> None:
    assert [split_of(f"group-{n}") for n in range(50)] == [
        split_of(f"group-{n}") for n in range(50)
    ]
    assert len({split_of(f"group-{n}") for n in range(50)}) == 3


def test_default_shares_are_those_of_imageclef_2017() -> None:
    sides = [split_of(f"article {number}") for number in range(20_000)]
    assert sides.count(Image.Split.TRAIN) / 20_000 == pytest.approx(TRAIN, abs=0.01)
    assert sides.count(Image.Split.VALIDATION) / 20_000 == pytest.approx(VALIDATION, abs=0.01)
