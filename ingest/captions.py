"""One way to clean a caption, used for training, indexing and queries alike."""

from __future__ import annotations

import html
import re
import unicodedata

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffd\ud800-\udfff]"
)
_NESTED_AMPERSAND = re.compile(r"&(?:(?:amp|AMP|#38|#x26);)+")
_MOJIBAKE = re.compile("â€|Ã[\x80-\xbf]|Â[\xa0-\xbf]")
_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})
_MODEL_TOKEN = re.compile(r"<\|[^|<>]*\|>|<\||\|>")
_MARKUP = re.compile(
    r"</?(?:i|b|u|s|em|strong|sub|sup|br|p|span|italic|bold|xref|a|unk|pad|mask)\b[^<>]{0,200}>",
    re.IGNORECASE,
)
_LATEX_PREAMBLE = re.compile(r"\\documentclass(?:(?!\\begin|\\documentclass).)*\\begin\{document\}")
_LATEX_END = re.compile(r"\\(?:begin|end)\{\w+\*?\}")
_LATEX_MATHS = re.compile(r"\${1,2}([^$]*[\\^_{][^$]*)\${1,2}")
_LATEX_STYLED = re.compile(r"\\[A-Za-z]+\{([^{}\\]*)\}")
_LATEX_COMMAND = re.compile(r"\\([A-Za-z]{2,})(?![A-Za-z])\s?")
_LATEX_ESCAPE = re.compile(r"\\([%&_#$,;])")
_FIGURE_REFERENCE = re.compile(
    r"(?:\s*[(\[]?(?i:(?:supplement(?:ary|al) )?fig(?:ure|s)?\b\.?)\s*(?i:s?\d{1,3}[a-z]?\b)"
    r"(?:\s*[-–,]\s*(?:\d{1,3}[A-Za-z]?|[A-Za-z])\b)*[)\]]?(?:\s*[:.|–—-]+(?=\s|$)|\s+(?=[A-Z(])|\s*$))+"
)


def clean_caption(text: str) -> str:
    """The caption as plain text on one line. Keeps case; cleaning twice changes nothing."""
    while (cleaned := _cleaned_once(text)) != text:
        text = cleaned
    return cleaned


def _cleaned_once(text: str) -> str:
    text = _INVISIBLE.sub("", _NESTED_AMPERSAND.sub("&", text))
    text = html.unescape(html.unescape(text))
    text = _without_markup(_with_encoding_repaired(text))
    text = unicodedata.normalize("NFC", text).translate(_HYPHENS)
    text = " ".join(text.split())
    leading = _FIGURE_REFERENCE.match(text)
    return text[leading.end() :] if leading else text


def _with_encoding_repaired(text: str) -> str:
    """Undo UTF-8 that was read as Windows-1252 ("patientâ€™s"), where that explains all of it."""
    if not _MOJIBAKE.search(text):
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def _without_markup(text: str) -> str:
    text = _MARKUP.sub("", _MODEL_TOKEN.sub(" ", text))
    if "\\" not in text and "$" not in text:
        return text
    text = _LATEX_END.sub(" ", _LATEX_PREAMBLE.sub(" ", text))
    text = _LATEX_STYLED.sub(r"\1", _LATEX_MATHS.sub(r"\1 ", text))
    return _LATEX_ESCAPE.sub(r"\1", _LATEX_COMMAND.sub(r"\1 ", text))


def normalise_caption(caption: str) -> str:
    """Equal for captions that count as the same: case, spaces and a last full stop aside."""
    return " ".join(caption.casefold().split()).rstrip(" .")
