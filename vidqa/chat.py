"""A conversation to be rendered by a tokenizer: turns of text with a place for the video."""

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
    """Where the video's tokens go; which video is the engine's to know."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's part, items in reading order with nothing between them."""

    role: Role
    content: tuple[Text | Video, ...]


@dataclass(frozen=True, slots=True)
class Chat:
    """Turns in order. The model answers after the last one."""

    turns: tuple[Turn, ...]

    def messages(self) -> list[dict[str, object]]:
        """The shape Hugging Face chat templates take: role, and a list of typed items."""
        return [
            {"role": turn.role, "content": [_item(item) for item in turn.content]}
            for turn in self.turns
        ]


def _item(item: Text | Video) -> dict[str, str]:
    return {"type": "text", "text": item.text} if isinstance(item, Text) else {"type": "video"}
