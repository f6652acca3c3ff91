"""Windows of captions: whole sentences in a row, drawn by lot, that the text tower can read."""

import re
from collections.abc import Callable, Sequence

import numpy as np

SENTENCE_END = re.compile(r"(?<=[.;!?])\s+(?=[A-Z(\[])")


class Windows:
    """
    Of a caption that is longer than `limit` tokens, a window that fits; of a shorter one of
    several sentences, a window half of the time, if `of_short_ones`.
    """

    def __init__(
        self, count_tokens: Callable[[str], int], limit: int, *, of_short_ones: bool
    ) -> None:
        self.count_tokens, self.limit, self.of_short_ones = count_tokens, limit, of_short_ones
        self._measured: dict[str, list[tuple[str, int]]] = {}

    def draw(self, captions: Sequence[str], rng: np.random.Generator) -> list[str]:
        lots = rng.random((len(captions), 3))
        return [self._window(caption, lot) for caption, lot in zip(captions, lots, strict=True)]

    def _window(self, caption: str, lot: np.ndarray) -> str:
        sentences = self._sentences(caption)
        fits = sum(tokens for _, tokens in sentences) <= self.limit
        if len(sentences) == 1 or (fits and not (self.of_short_ones and lot[0] < 0.5)):
            return caption
        first = int(lot[1] * len(sentences))
        wanted = first + 1 + int(lot[2] * (len(sentences) - first)) if fits else len(sentences)
        return " ".join(self._that_fit(sentences[first:wanted]))

    def _that_fit(self, sentences: list[tuple[str, int]]) -> list[str]:
        """At least one: the tokeniser cuts a sentence that is too long by itself."""
        taken: list[str] = []
        room = self.limit
        for sentence, tokens in sentences:
            if taken and tokens > room:
                break
            taken.append(sentence)
            room -= tokens
        return taken

    def _sentences(self, caption: str) -> list[tuple[str, int]]:
        if caption not in self._measured:
            parts = SENTENCE_END.split(caption)
            self._measured[caption] = [(part, self.count_tokens(part)) for part in parts]
        return self._measured[caption]
