"""Where the decoder should look: two attention heads are shown the rows an answer is read from.

Axes: N supervised tokens, B clips, S tokens, R rows, Q questions, D head dim.
While a time is being written, head 0 of one layer should look at the row in which that time shows;
when the reply begins, head 1 should look at the rows in which the asked event is on, or at the
token before the video when there are none. The heads are the decoder's own and stay in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qwen25vl import Qwen25VL
from qwen25vl.layers import rotate
from qwen25vl.rope import text_rope
from vidqa_nano.labels import edge_row, shares
from vidqa_nano.windows import Sample

LAYER = 4
"""The decoder layer (from 1) whose heads are shown where to look."""
EDGE_HEAD, BEGIN_HEAD = 0, 1
HEADS = 2
_ON = 0.3
"""Share of a row from which on an event counts as on in it."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The supervised tokens of a batch."""

    clip_N: Tensor
    token_N: Tensor
    head_N: Tensor
    target_NS: Tensor
    """True at the tokens that should be looked at."""


class Draft:
    """Collects the looks of one clip; ``vision`` is where its vision tokens are."""

    def __init__(self, sample: Sample, vision: Sequence[int], tokens_per_row: int) -> None:
        self.sample, self.vision, self.per_row = sample, vision, tokens_per_row
        self.found: list[tuple[int, int, list[int]]] = []

    def add(self, question: int, at: int, pieces: Sequence[str]) -> None:
        """The looks of one reply; ``at`` predicts its first token, ``pieces`` are its tokens."""
        asked = self.sample.questions[question]
        if asked.task in ("ground", "verify") or (asked.task == "ask" and asked.spans):
            on = shares(self.sample, asked.spans)
            rows = [row for row, share in enumerate(on) if share > _ON]
            self.found.append((at, BEGIN_HEAD, self._tokens(rows) or [self.vision[0] - 1]))
        edges = [edge for span in asked.spans for edge in span]
        for place, number in digits_of(pieces):
            row = edge_row(self.sample, edges[number])
            self.found.append((at + place, EDGE_HEAD, self._tokens([row])))

    def _tokens(self, rows: Sequence[int]) -> list[int]:
        return [self.vision[row * self.per_row + i] for row in rows for i in range(self.per_row)]


def digits_of(pieces: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(place, number) of every digit of a time in a reply: the n-th time, counted from 0.

    A time is written with a point and one decimal; the number on a board is none.
    """
    text = "".join(_shown(piece) for piece in pieces)
    places = [place for place, piece in enumerate(pieces) for _ in _shown(piece)]
    for number, time in enumerate(re.finditer(r"\d+\.\d", text)):
        yield from ((places[at], number) for at in range(*time.span()) if text[at] != ".")


def _shown(piece: str) -> str:
    """The characters that stand for a piece in the text that is searched."""
    return piece if piece.isdigit() or piece == "." else " "


def gather(drafts: Sequence[Draft], length: int) -> Looks:
    """The looks of a batch whose sequences are ``length`` tokens long."""
    looks = [(b, *look) for b, draft in enumerate(drafts) for look in draft.found]
    target = torch.zeros(len(looks), length, dtype=torch.bool)
    for n, (_, _, _, tokens) in enumerate(looks):
        target[n, tokens] = True
    clip, token, head = (torch.tensor([look[i] for look in looks]) for i in range(3))
    return Looks(clip, token, head, target)


@contextmanager
def watch_heads(model: Qwen25VL) -> Iterator[dict[str, Tensor]]:
    """Collects the queries and keys of the supervised layer, unrotated, while the block runs."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> torch.utils.hooks.RemovableHandle:
        def hook(_module: nn.Module, _args: object, output: Tensor) -> None:
            found[name] = output

        path = f"layers.{LAYER - 1}.self_attn.{name}"
        return model.text.get_submodule(path).register_forward_hook(hook)

    handles = [keep("q_proj"), keep("k_proj")]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def looking_loss(
    model: Qwen25VL, seen: dict[str, Tensor], looks: Looks, positions_3BS: Tensor, mask_B1SS: Tensor
) -> Tensor:
    """Sum of -log(attention that falls on the right tokens)."""
    config = model.config.text
    rope = text_rope(positions_3BS, config, seen["q_proj"].dtype)

    def heads(name: str) -> Tensor:
        first = seen[name].unflatten(2, (-1, config.head_dim))[:, :, :HEADS].transpose(1, 2)
        return rotate(first, *rope)

    scores_BHSS = heads("q_proj") @ heads("k_proj").mT
    at_N = (looks.clip_N, looks.head_N, looks.token_N)
    scores_NS = scores_BHSS[at_N].float() * config.head_dim**-0.5
    allowed_NS = mask_B1SS[looks.clip_N, 0, looks.token_N]
    all_N = scores_NS.masked_fill(~allowed_NS, -torch.inf).logsumexp(1)
    right_N = scores_NS.masked_fill(~looks.target_NS, -torch.inf).logsumexp(1)
    loss: Tensor = (all_N - right_N).sum()
    return loss
