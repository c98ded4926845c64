"""Asks a model about frames in memory: the clip is seen once, then any number of questions.

In: a network, its tokenizer, uint8 frames (T, 56, 56, 3) and the time of every row. Out: replies as
text. The same parts as the product's engine, without files; used to measure while training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from qwen25vl import Grid, KVCache, Qwen25VL, VisionRun, next_position, patchify, position_ids
from qwen25vl.generate import generate
from qwen25vl.positions import Mode
from vidqa_nano.packing import SIDE_PATCHES, Packer

LONGEST_REPLY = 64
_ROOM = 256


@dataclass(slots=True)
class Watched:
    """A clip in the decoder's memory: everything up to the end of the video."""

    cache: KVCache
    length: int
    next_position: int


class Asker:
    """Greedy answers of one network; trained under the positions of mode ``reference``."""

    def __init__(self, model: Qwen25VL, tokenizer: Tokenizer, *, mode: Mode = "reference") -> None:
        self.model, self.tokenizer = model, tokenizer
        self.mode: Mode = mode
        self.packer = Packer(tokenizer, model.config)

    @torch.no_grad()
    def watch(self, frames_THWC: NDArray[np.uint8], row_seconds: Sequence[float]) -> Watched:
        """Encode a clip; an even number of frames, two per row."""
        frames = torch.from_numpy(np.ascontiguousarray(frames_THWC))
        patches, grid = patchify(frames, self.model.config.vision)
        ids = self.packer.shared_ids(len(row_seconds))
        run = VisionRun(Grid(len(row_seconds), SIDE_PATCHES, SIDE_PATCHES), row_seconds)
        positions = position_ids(ids, [run], self.model.config, mode=self.mode)
        tokens = self.model.vision(patches, [grid])
        embeds = self.model.embed_prompt(torch.tensor([ids]), tokens)
        cache = KVCache(self.model.config.text, len(ids) + _ROOM, dtype=embeds.dtype)
        self.model.text(embeds, positions[:, None], cache=cache)
        return Watched(cache, len(ids), next_position(positions))

    @torch.no_grad()
    def ask(self, watched: Watched, text: str) -> str:
        """The reply to what the user says about the clip."""
        watched.cache.truncate(watched.length)
        ids = [*self.packer.ids(text), *self.packer.turn]
        positions = torch.arange(len(ids)) + watched.next_position
        reply = generate(
            self.model,
            self.model.embed(torch.tensor([ids])),
            positions.expand(3, 1, -1),
            max_new_tokens=LONGEST_REPLY,
            stop_ids=(self.packer.end,),
            cache=watched.cache,
        )
        return str(self.tokenizer.decode(reply.ids))
