"""Text to the words by which it is found, the same on every database.

Case and accents do not tell words apart; what is written without spaces is cut into characters.
"""

from __future__ import annotations

import unicodedata

_ACCENT = 10
"""Combining classes from here on are accents and vowel points; those below belong to a letter
(the voicing mark of kana, the virama). Unicode Standard, table 4-3."""


def fold(text: str) -> list[str]:
    """The words of ``text``, in order; none where it holds neither letters nor digits."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in apart if unicodedata.combining(each) < _ACCENT)
    return "".join(map(_spaced, unicodedata.normalize("NFC", bare))).split()


def _spaced(char: str) -> str:
    if "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff":  # kana, Chinese characters
        return f" {char} "
    return char if char.isalnum() or unicodedata.category(char).startswith("M") else " "
