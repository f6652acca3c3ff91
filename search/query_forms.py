"""A caption as somebody might have asked for its image: the four query forms of `search-v1`."""

import re
from collections.abc import Callable, Mapping

from django.conf import settings

from search.understanding.noun_phrases import load_pipeline, noun_phrases

CONVERSATIONAL = "conversational"
WRAPS = (
    "show me {}",
    "can you find images of {}",
    "I am looking for {}",
    "do you have a picture that shows {}?",
    "please give me examples of {}",
)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9(\"“])")
# What is shorter is an abbreviation ("Fig. 2"), not a sentence.
FEWEST_WORDS = 3


def first_sentence(caption: str) -> str:
    said = ""
    for part in _SENTENCE_ENDS.split(caption):
        said = f"{said} {part}".strip()
        if len(said.split()) >= FEWEST_WORDS:
            break
    return said


def noun_phrases_of(caption: str) -> str:
    """The things it speaks of, with commas between; the caption itself where there are none."""
    spans = noun_phrases(caption, load_pipeline(settings.SPACY_PIPELINE))
    return ", ".join(caption[span.start : span.end] for span in spans) or caption


def as_people_ask(caption: str, place: int) -> str:
    """The first sentence in the words of talk, which change from query to query."""
    said = first_sentence(caption).rstrip(" .!?")
    # "Axial CT" begins small within a sentence, "CT of" does not.
    is_a_plain_word = said[1:2].islower()
    return WRAPS[place % len(WRAPS)].format(
        said[:1].lower() + said[1:] if is_a_plain_word else said
    )


# Each takes a caption and its place among the queries.
FORMS: Mapping[str, Callable[[str, int], str]] = {
    "full caption": lambda caption, place: caption,
    "noun phrases": lambda caption, place: noun_phrases_of(caption),
    "first sentence": lambda caption, place: first_sentence(caption),
    CONVERSATIONAL: as_people_ask,
}
