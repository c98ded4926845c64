"""Lettering for pictures: Pillow's built-in font, wrapped, shortened, and honest about its limits.

The built-in font holds Latin letters without accents. Accents are dropped; a run of characters
that it cannot draw at all becomes one open box, so that nobody reads a different question from
the one that was asked (the file's metadata keep the full text).
"""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

BOX = "\u25a1"
"""Stands for what cannot be drawn; the font itself draws it as its "missing" box."""

_ASCII_FOR = str.maketrans({"—": "-", "–": "-", "−": "-", "→": ">", "×": "x", "\u00a0": " "})


@cache
def font(size: int) -> Font:
    """Pillow's built-in scalable font, ``size`` pixels high."""
    return ImageFont.load_default(size)


def drawable(text: str) -> str:
    """One line of ``text`` in characters that the built-in font has."""
    flat = unicodedata.normalize("NFKD", " ".join(text.split()).translate(_ASCII_FOR))
    letters = [c if _has(c) else BOX for c in flat if not unicodedata.combining(c)]
    kept = [c for k, c in enumerate(letters) if c != BOX or k == 0 or letters[k - 1] != BOX]
    return "".join(kept)


def width_of(text: str, size: int) -> int:
    """Width in pixels of one drawn line."""
    return round(font(size).getlength(text))


def shorten(text: str, size: int, width: int) -> str:
    """``text`` cut to ``width`` pixels, after a whole word if one fits, with an ellipsis if cut."""
    if width_of(text, size) <= width:
        return text
    keep = len(text)
    while keep and width_of(text[:keep] + "…", size) > width:
        keep -= 1
    whole_words = text[: keep + 1].rpartition(" ")[0]
    return (whole_words or text[:keep]).rstrip(" ,;:") + "…"


def wrap(text: str, size: int, width: int, lines: int) -> list[str]:
    """At most ``lines`` lines of whole words, each at most ``width`` pixels; the last is shortened.

    A single word wider than a line is shortened as well.
    """
    rows: list[str] = []
    words = text.split()
    while words and len(rows) < lines - 1:
        fits = _words_that_fit(words, size, width)
        rows.append(shorten(" ".join(words[:fits]), size, width))
        words = words[fits:]
    return [*rows, shorten(" ".join(words), size, width)] if words else rows


def _words_that_fit(words: list[str], size: int, width: int) -> int:
    fits = 1
    while fits < len(words) and width_of(" ".join(words[: fits + 1]), size) <= width:
        fits += 1
    return fits


@cache
def _has(character: str) -> bool:
    return character == " " or _shape(character) != _shape("\uffff")


def _shape(character: str) -> bytes:
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((4, 4), character, fill=255, font=font(32))
    return image.tobytes()
