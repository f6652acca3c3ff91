"""Where the words of a query are marked in a caption."""

from search.highlighting import highlights


def marked(caption: str, texts: list[str], together: list[str]) -> list[str]:
    return [caption[start:end] for start, end in highlights(caption, texts, together)]


def test_words_are_marked_by_their_stem_and_neighbours_as_one() -> None:
    assert marked("Gallstones, no gall bladder wall", ["gallstone", "wall bladder"], []) == [
        "Gallstones",
        "bladder wall",
    ]


def test_words_that_count_only_together_are_marked_only_together() -> None:
    caption = "Renal cyst and a renal calculus"
    assert marked(caption, [], ["renal calculus"]) == ["renal calculus"]
