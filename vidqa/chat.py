"""A conversation to be rendered by a tokenizer: turns of text with places for videos and images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words, exactly as the model reads them."""

    text: str


@dataclass(frozen=True, slots=True)
class Video:
    """Where the next video's tokens go; which video is the engine's to know."""


@dataclass(frozen=True, slots=True)
class Image:
    """Where the next image's tokens go."""


Item = Text | Video | Image


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's part, items in reading order with nothing between them."""

    role: Role
    content: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Chat:
    """Turns in order. The model answers after the last one."""

    turns: tuple[Turn, ...]
