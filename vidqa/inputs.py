"""A chat and what was watched in; the prompt's token ids, positions and vision tokens out.

Axes: M vision tokens, D decoder width; S prompt tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from qwen25vl import Grid, Message, ModelConfig, Tokenizer, Vision, VisionRun, position_ids
from vidqa.chat import Chat, Image, Text, Video
from vidqa.errors import ModelError
from vidqa.profiles import Profile

Kind = Literal["video", "image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One stretch of video, or one image, as the decoder will see it."""

    tokens_MD: Tensor
    run: VisionRun
    """The grid of patches and the seconds of its rows, on the model's own timeline."""
    kind: Kind = "video"

    @property
    def token_count(self) -> int:
        """Merged vision tokens."""
        return int(self.tokens_MD.shape[0])


class Rendered(NamedTuple):
    """A prompt up to the opening of the reply."""

    ids: list[int]
    positions_3S: Tensor
    tokens_MD: Tensor | None
    """Of all inputs in order, one per pad; None when the prompt is text alone."""


class Block(NamedTuple):
    """One run of pads with its vision marks, and the text right before it."""

    text: str
    kind: Kind
    run: VisionRun


def as_inputs(watched: Watched | Sequence[Watched]) -> tuple[Watched, ...]:
    """One input or several, always as several."""
    return (watched,) if isinstance(watched, Watched) else tuple(watched)


def render(
    chat: Chat,
    watched: Sequence[Watched],
    tokenizer: Tokenizer,
    config: ModelConfig,
    profile: Profile,
) -> Rendered:
    """The prompt of a chat whose videos and images are ``watched``, in order of appearance.

    How a video's times are told is the profile's ``time_encoding``. Raises :class:`ModelError` when
    places and inputs do not match one to one, :class:`qwen25vl.PromptError` on impossible times.
    """
    _check_places(chat, watched)
    blocks = [blocks_of(each, profile) for each in watched]
    waiting = iter(blocks)
    messages = [
        Message(
            turn.role,
            [
                part
                for item in turn.content
                for part in ([item.text] if isinstance(item, Text) else _parts(waiting, config))
            ],
        )
        for turn in chat.turns
    ]
    ids = tokenizer.render_chat(messages)
    runs = [block.run for several in blocks for block in several]
    tokens = [each.tokens_MD for each in watched]
    return Rendered(ids, position_ids(ids, runs, config), _joined(tokens))


def blocks_of(watched: Watched, profile: Profile) -> list[Block]:
    """An input as the prompt shows it: whole, or row by row with its time in words before it.

    Rows become images of their own, at time 0 of their own: positions advance from image to image,
    and no time but the written one is told. The tower never mixes rows, so tokens are the same.
    """
    grid, row_seconds = watched.run
    if watched.kind == "image" or profile.time_encoding == "mrope":
        return [Block("", watched.kind, watched.run)]
    row = VisionRun(Grid(1, grid.h, grid.w), (0.0,))
    return [Block(profile.time_text.format(seconds=s), "image", row) for s in row_seconds]


def _joined(tokens: Sequence[Tensor]) -> Tensor | None:
    """All inputs' tokens; a lone input's are not held twice."""
    if len(tokens) < 2:
        return tokens[0] if tokens else None
    return torch.cat(list(tokens))


def _parts(waiting: Iterator[list[Block]], config: ModelConfig) -> Iterator[str | Vision]:
    """The next input's text and pads."""
    for text, kind, run in next(waiting):
        if text:
            yield text
        yield Vision(kind, run.grid.tokens(config.vision))


def _check_places(chat: Chat, watched: Sequence[Watched]) -> None:
    items = [item for turn in chat.turns for item in turn.content]
    places = [type(item).__name__.lower() for item in items if isinstance(item, Video | Image)]
    given = [each.kind for each in watched]
    if places != given:
        raise ModelError(
            f"the chat has places for {_listed(places)} and was given {_listed(given)}",
            code="inputs_mismatch",
            next_step="Give one watched video or image for each place, in order of appearance.",
        )


def _listed(kinds: Sequence[str]) -> str:
    return ", ".join(kinds) or "no input"


def shared_tokens(prompts: Sequence[Rendered], config: ModelConfig) -> int:
    """Tokens at the start that all prompts have in common, at least one left over in each.

    0 when a video or an image lies behind them: then there is nothing worth sharing.
    """
    columns = zip(*(prompt.ids[:-1] for prompt in prompts), strict=False)
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    pads = {config.image_token_id, config.video_token_id}
    return 0 if any(pads.intersection(prompt.ids[shared:]) for prompt in prompts) else shared
