"""What a model said, and how sure it was of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

CacheState = Literal["hit", "miss", "partial", "off"]
"""Of something kept from earlier: all of it was there, nothing, a part; or nothing is kept."""
OnText = Callable[[str], None]
"""Told the text of every token as it comes, in order: ``""`` while a character or what may become a
stop string is unfinished, so it is called once for every token at least."""


def combined(states: Iterable[CacheState]) -> CacheState:
    """One state of several: ``hit`` or ``miss`` when all are, ``off`` when nothing is kept."""
    told = set(states) - {"off"}
    if len(told) > 1:
        return "partial"
    return told.pop() if told else "off"


def unheard(piece: str) -> None:
    """For callers who wait for the whole reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model said, token by token."""

    text: str
    """Up to a stop string, without it."""
    pieces: tuple[str, ...]
    """The text of each token; they need not join to ``text`` where a character spans tokens, or
    where a stop string ended it."""
    logprobs: tuple[float, ...]
    """The model's own, whatever it was drawn by."""
    cut_short: bool
    """The length limit ended it, not the model."""
    prefix: CacheState = field(default="off", compare=False)
    """Whether the keys and values of what was watched were at hand; no word depends on it."""

    @property
    def score(self) -> float:
        """Geometric mean of the probabilities of the tokens that hold digits; 0 when none does.

        An ordering within one checkpoint, not a probability: it has not been calibrated.
        """
        digits = [
            logprob
            for piece, logprob in zip(self.pieces, self.logprobs, strict=True)
            if any(char.isdigit() for char in piece)
        ]
        return math.exp(sum(digits) / len(digits)) if digits else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the model chose among some answers."""

    probabilities: tuple[float, ...]
    """Of each answer, in the order given; they sum to 1."""
    prefix: CacheState = field(default="off", compare=False)
    """As of a reply."""


UNSAID = Reply(text="", pieces=(), logprobs=(), cut_short=True)
"""A reply that was ended before it began."""
