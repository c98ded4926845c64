"""Where the decoder should look: five attention heads are shown what an answer is read from.

Axes: N supervised tokens, B clips, S tokens, R rows, Q questions, D head dim.
Where a question has named an event, one head should look at the rows in which it is on, or at the
token before the video when there are none. When the reply begins, a later one should look there
too, and another at the one of several named answers that is right, or at the earlier of two events;
an answer should look at its letter or first word, so that it can be said. While a time is being
written, a fifth should look at the row in which that time shows. The heads are the decoder's own
and stay in it.
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
from vidqa_nano.questions import Mark
from vidqa_nano.windows import Sample
from vidqa_nano.wording import Times

NAMED, EDGE, BEGIN, RIGHT, SAID = range(5)
"""What a head is shown: rows of a named event, of a time, of the asked event; the right answer of
several; what an answer begins with."""
HEADS = ((3, 0), (4, 0), (4, 1), (5, 0), (3, 1))
"""The decoder layer (from 1) and the head in it that is shown each of these."""
_ON = 0.3
"""Share of a row from which on an event counts as on in it."""

WEIGHT = (1.0, 1.0, 1.0, 4.0, 1.0)
"""What a look of each counts: few questions have a right answer to look at."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The supervised tokens of a batch."""

    clip_N: Tensor
    token_N: Tensor
    what_N: Tensor
    """What is looked for there: a place in :data:`HEADS`."""
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
            self.found.append((at, BEGIN, self._rows_of(asked.spans)))
        edges = [edge for span in asked.spans for edge in span]
        for place, number in digits_of(pieces):
            row = edge_row(self.sample, edges[number])
            self.found.append((at + place, EDGE, self._tokens([row])))

    def add_mark(self, mark: Mark, token: int, said: Sequence[int], at: int) -> None:
        """The looks of what a question names at ``token``; ``said`` is the token that it begins
        with as an answer, where it may be one, ``at`` as in :meth:`add`."""
        if mark.spans is not None:
            self.found.append((token, NAMED, self._rows_of(mark.spans)))
        if mark.right:
            self.found.append((at, RIGHT, [token]))
        if said:
            self.found.append((token, SAID, [*said]))

    def _rows_of(self, spans: Times) -> list[int]:
        """The tokens of the rows in which an event is on, else the one before the video."""
        rows = [row for row, share in enumerate(shares(self.sample, spans)) if share > _ON]
        return self._tokens(rows) or [self.vision[0] - 1]

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
    clip, token, what = (torch.tensor([look[i] for look in looks]) for i in range(3))
    return Looks(clip, token, what, target)


@contextmanager
def watch_heads(model: Qwen25VL) -> Iterator[dict[tuple[int, str], Tensor]]:
    """Collects the queries and keys of the layers that are shown where to look, unrotated, while
    the block runs; by layer and name."""
    found: dict[tuple[int, str], Tensor] = {}

    def keep(layer: int, name: str) -> torch.utils.hooks.RemovableHandle:
        def hook(_module: nn.Module, _args: object, output: Tensor) -> None:
            found[layer, name] = output

        path = f"layers.{layer - 1}.self_attn.{name}"
        return model.text.get_submodule(path).register_forward_hook(hook)

    layers = {layer for layer, _ in HEADS}
    handles = [keep(layer, name) for layer in layers for name in ("q_proj", "k_proj")]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def looking_loss(
    model: Qwen25VL,
    seen: dict[tuple[int, str], Tensor],
    looks: Looks,
    positions_3BS: Tensor,
    mask_B1SS: Tensor,
) -> Tensor:
    """Sum of -log(attention that falls on the right tokens), each by its weight."""
    config = model.config.text
    rope = text_rope(positions_3BS, config, seen[HEADS[0][0], "q_proj"].dtype)
    scores: list[Tensor] = []
    order: list[Tensor] = []
    for what, (layer, head) in enumerate(HEADS):
        chosen_N = (looks.what_N == what).nonzero().flatten()
        q_B1SD, k_B1SD = (
            rotate(_head(seen[layer, name], head, config.head_dim), *rope)
            for name in ("q_proj", "k_proj")
        )
        scores_BSS = (q_B1SD @ k_B1SD.mT).squeeze(1)
        scores.append(scores_BSS[looks.clip_N[chosen_N], looks.token_N[chosen_N]])
        order.append(chosen_N)
    order_N = torch.cat(order)
    clip_N, token_N = looks.clip_N[order_N], looks.token_N[order_N]
    scores_NS = torch.cat(scores).float() * config.head_dim**-0.5
    all_N = scores_NS.masked_fill(~mask_B1SS[clip_N, 0, token_N], -torch.inf).logsumexp(1)
    right_N = scores_NS.masked_fill(~looks.target_NS[order_N], -torch.inf).logsumexp(1)
    weight_N = all_N.new_tensor(WEIGHT)[looks.what_N[order_N]]
    loss: Tensor = ((all_N - right_N) * weight_N).sum()
    return loss


def _head(projected_BSE: Tensor, head: int, head_dim: int) -> Tensor:
    """One head's queries or keys (B, 1, S, D)."""
    return projected_BSE[:, None, :, head * head_dim : (head + 1) * head_dim]
