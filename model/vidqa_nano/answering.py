"""Asks a model about frames in memory: the clip is seen once, then any number of questions.

In: a network, its tokenizer, uint8 frames (T, 56, 56, 3) and the time of every row. Out: replies as
text. The same parts as the product's engine, without files; used to measure while training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from qwen25vl import KVCache, Qwen25VL, next_position, patchify
from qwen25vl.batch import generate_behind
from qwen25vl.decode import Prompt
from qwen25vl.prefill import prefill
from vidqa_nano.losses import text_vectors
from vidqa_nano.packing import Packer
from vidqa_nano.timing import TimeRule
from vidqa_nano.wording import EMBED_VIDEO

LONGEST_REPLY = 64
TOGETHER = 8
"""Questions answered behind one another's backs in one go."""
_ROOM = TOGETHER * (LONGEST_REPLY + 80)


@dataclass(slots=True)
class Watched:
    """A clip in the decoder's memory: everything up to the end of the video."""

    cache: KVCache
    length: int
    next_position: int


class Asker:
    """Greedy answers of one network, told times as it was in training, or by another rule."""

    def __init__(
        self, model: Qwen25VL, tokenizer: Tokenizer, *, time_rule: TimeRule = "reference"
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.packer = Packer(tokenizer, model.config, time_rule)

    @torch.no_grad()
    def watch(self, frames_THWC: NDArray[np.uint8], row_seconds: Sequence[float]) -> Watched:
        """Encode a clip; an even number of frames, two per row."""
        frames = torch.from_numpy(np.ascontiguousarray(frames_THWC))
        patches, grid = patchify(frames, self.model.config.vision)
        ids, positions, _ = self.packer.shared(row_seconds)
        device = self.model.device
        tokens = self.model.vision(patches.to(device), [grid])
        embeds = self.model.embed_prompt(torch.tensor([ids], device=device), tokens)
        config = self.model.config.text
        cache = KVCache(config, len(ids) + _ROOM, dtype=embeds.dtype, device=device)
        self.model.text(embeds, positions[:, None].to(device), cache=cache)
        return Watched(cache, len(ids), next_position(positions))

    def ask(self, watched: Watched, text: str) -> str:
        """The reply to what the user says about the clip."""
        return self.ask_all(watched, [text])[0]

    @torch.no_grad()
    def ask_all(self, watched: Watched, texts: Sequence[str]) -> list[str]:
        """The replies to several questions, each as if it were the only one."""
        replies: list[str] = []
        for at in range(0, len(texts), TOGETHER):
            prompts = [self._prompt(watched, text) for text in texts[at : at + TOGETHER]]
            found = generate_behind(
                self.model,
                watched.cache,
                prompts,
                max_new_tokens=LONGEST_REPLY,
                stop_ids=(self.packer.end,),
            )
            replies += [str(self.tokenizer.decode(reply.ids)) for reply in found]
        return replies

    @torch.no_grad()
    def chance(self, watched: Watched, text: str, yes: str, no: str) -> float:
        """How probable a reply that begins as ``yes`` does is, of that and ``no``."""
        state = self._last_state(watched, text)
        pair = torch.tensor([self.packer.ids(yes)[0], self.packer.ids(no)[0]])
        scores = self.model.logits(state).float()[pair.to(state.device)]
        return float(scores.softmax(0)[0])

    @torch.no_grad()
    def clip_vector(self, watched: Watched) -> Tensor:
        """The clip's vector (D,), of length 1."""
        return F.normalize(self._last_state(watched, EMBED_VIDEO).float(), dim=-1)

    @torch.no_grad()
    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """The vectors (N, D) of texts, of length 1."""
        return text_vectors(self.model, self.packer.texts(texts))

    def _last_state(self, watched: Watched, text: str) -> Tensor:
        """The state (D,) of the last token of a prompt behind the clip, after the final norm."""
        prompt = self._prompt(watched, text)
        state = prefill(self.model, *prompt, watched.cache)[0, 0]
        watched.cache.truncate(watched.length)
        return state

    def _prompt(self, watched: Watched, text: str) -> Prompt:
        ids = [*self.packer.ids(text), *self.packer.turn]
        device = self.model.device
        positions = torch.arange(len(ids), device=device) + watched.next_position
        embeds = self.model.embed(torch.tensor([ids], device=device))
        return Prompt(embeds, positions.expand(3, 1, -1))
