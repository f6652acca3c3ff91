import numpy as np
import pytest

from training.clip.windows import Windows

CAPTION = "Axial CT of the chest. The left lung shows two nodules. No effusion is seen. Aged 60."


def count_words(text: str) -> int:
    return len(text.split())


def draw_many(windows: Windows, caption: str) -> set[str]:
    rng = np.random.default_rng(0)
    return {windows.draw([caption], rng)[0] for _ in range(200)}


def test_a_caption_that_fits_stays_whole() -> None:
    windows = Windows(count_words, limit=40, of_short_ones=False)
    assert draw_many(windows, CAPTION) == {CAPTION}


def test_a_long_caption_is_read_from_different_sentences_within_the_limit() -> None:
    drawn = draw_many(Windows(count_words, limit=9, of_short_ones=False), CAPTION)
    assert drawn == {
        "Axial CT of the chest.",
        "The left lung shows two nodules.",
        "No effusion is seen. Aged 60.",
        "Aged 60.",
    }


def test_short_captions_are_read_in_part_when_asked_and_whole_half_of_the_time() -> None:
    windows = Windows(count_words, limit=40, of_short_ones=True)
    rng = np.random.default_rng(0)
    drawn = [windows.draw([CAPTION], rng)[0] for _ in range(400)]
    assert all(window in CAPTION for window in drawn)
    assert 0.4 < np.mean([window == CAPTION for window in drawn]) < 0.7
    assert "The left lung shows two nodules. No effusion is seen." in drawn


def test_one_sentence_that_is_too_long_is_left_to_the_tokeniser() -> None:
    windows = Windows(count_words, limit=3, of_short_ones=True)
    assert draw_many(windows, "A very long sentence about a liver.") == {
        "A very long sentence about a liver."
    }


@pytest.mark.parametrize("caption", ["", ".", "Fig. 3 shows it.", "a. b. c."])
def test_odd_captions_come_back(caption: str) -> None:
    windows = Windows(count_words, limit=5, of_short_ones=True)
    assert all(window in caption for window in draw_many(windows, caption))
