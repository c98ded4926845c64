"""The losses: the language-model loss, and the helpers' that make a small model learn quickly.

Axes: B clips, R rows, S tokens, Q questions, D width, C classes, M vision tokens, E score width.
The helpers read what nano must know anyway: which events a row shows (off the vision tokens), what
second the row is (off decoder layer 2), and whether the asked event is on in it (a score between
the question's last token and the row, off layer 3). Their heads are dropped after training. A
fourth loss needs no head of its own: it shows two of the decoder's where to look (:mod:`looking`).
Without them the model learns several times slower: one answer carries only a handful of digits.
A last one draws a clip and what is told of it together and reads off both what happens
(:mod:`vidqa_nano.contrast`).
Every loss is a sum with a count (:class:`Part`), so that a batch may be shared out among workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from qwen25vl import Grid, Qwen25VL, patchify
from vidqa_nano.labels import CLASSES, EVENT_OF_A_COLOUR, EVENTS, HAPPENING, RowLabels
from vidqa_nano.looking import looking_loss, watch_heads
from vidqa_nano.packing import Batch, Texts
from vidqa_nano.timing import SIDE_PATCHES, TOKENS_PER_ROW

TIME_LAYER, SCORE_LAYER = 2, 3
TENS, ONES = 13, 10
"""Digits of a row's whole second: 0 to 129."""
SCORE_WIDTH = 48
EVENT_WEIGHT, ON_WEIGHT, ON = 3.0, 9.0, 0.3
"""What the label of an event counts, and how much more in a row of which it has that share."""
COLOUR_SHARE = 0.3
"""What the label of an event in one colour counts, as a share of the event's of any colour."""
CHUNK_PATCHES = 1024
"""Patches encoded at once: few enough that a layer's activations stay in a core's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each loss counts beside the language-model loss."""

    seen: float = 0.05
    seconds: float = 0.2
    active: float = 1.0
    looking: float = 0.5
    embed: float = 0.25
    told: float = 0.03


@dataclass(frozen=True, slots=True)
class Part:
    """A loss summed over the ``count`` things that this worker has of it."""

    sum: Tensor
    count: float


class Helpers(nn.Module):
    """The heads of the auxiliary losses."""

    def __init__(self, width: int) -> None:
        super().__init__()
        row_width = TOKENS_PER_ROW * width
        classes = nn.Linear(row_width, CLASSES)
        nn.init.constant_(classes.bias, -4.0)
        self.seen = nn.Sequential(nn.LayerNorm(row_width), classes)
        self.seconds = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, TENS + ONES))
        self.row_key = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3 * SCORE_WIDTH))
        self.ask_query = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3 * SCORE_WIDTH))
        self.score_bias = nn.Parameter(torch.full((3,), -3.0))
        self.told = nn.Linear(width, EVENTS)
        nn.init.constant_(self.told.bias, -4.0)


def vision_tokens(model: Qwen25VL, batch: Batch, gain: tuple[float, float] = (1.0, 0.0)) -> Tensor:
    """The tower's tokens (M, D) of all clips; ``gain`` scales and shifts the pixels' contrast."""
    patches, grid = patchify(batch.frames_FHWC, model.config.vision)
    assert grid == Grid(sum(batch.rows_B), SIDE_PATCHES, SIDE_PATCHES)  # noqa: S101
    seen = patches.mul_(gain[0]).add_(gain[1]).to(model.device)
    tokens: Tensor = model.vision(seen, [grid], chunk_patches=CHUNK_PATCHES)
    return tokens


def seen_loss(helpers: Helpers, tokens_MD: Tensor, labels: RowLabels) -> Part:
    """Which events and states each row shows: summed over classes, counted in rows."""
    targets_RC = labels.seen_BRC[labels.valid_BR]
    weights_RC = seen_weights(targets_RC) * labels.told_BRC[labels.valid_BR]
    loss = F.binary_cross_entropy_with_logits(
        seen_scores(helpers, tokens_MD), targets_RC, weights_RC, reduction="sum"
    )
    return Part(loss, len(targets_RC))


def seen_weights(targets_RC: Tensor) -> Tensor:
    """How much each label counts: what happens most, above all where it is on.

    States and who is there fill the plain sum and are learnt first; events are off nearly always.
    After 600 steps of stage 1 the tower's ``sight`` was 0.34 with these weights, 0.13 without.
    """
    happening_RC = EVENT_WEIGHT + ON_WEIGHT * (targets_RC > ON).float()
    weights_RC = torch.where(HAPPENING.to(targets_RC.device), happening_RC, 1.0)
    return torch.where(
        EVENT_OF_A_COLOUR.to(targets_RC.device), COLOUR_SHARE * weights_RC, weights_RC
    )


def seen_scores(helpers: Helpers, tokens_MD: Tensor) -> Tensor:
    """Logits (R, C) of what every row shows, all clips' rows one after another."""
    rows = tokens_MD.reshape(-1, TOKENS_PER_ROW * tokens_MD.shape[1])
    scores: Tensor = helpers.seen(rows).float()
    return scores


class Found(NamedTuple):
    """What a pass over a batch leaves: its losses, and the vectors to be drawn together."""

    parts: dict[str, Part]
    clip_ED: Tensor
    """Of the clips that are embedded, of length 1."""
    text_ND: Tensor
    """Of their texts."""


def all_losses(
    model: Qwen25VL, helpers: Helpers, batch: Batch, gain: tuple[float, float] = (1.0, 0.0)
) -> Found:
    """The losses of a batch by name: ``reply`` and the helpers' of :class:`Weights`."""
    tokens_MD = vision_tokens(model, batch, gain)
    embeds_BSD = model.embed(batch.ids_BS).index_put(batch.vision_at, tokens_MD.float())
    with taps(model) as tapped, watch_heads(model) as heads:
        bias_B1SS = torch.zeros_like(batch.mask_B1SS, dtype=embeds_BSD.dtype)
        bias_B1SS.masked_fill_(~batch.mask_B1SS, -torch.inf)  # once, not in every layer
        hidden_BSD = model.text(embeds_BSD, batch.positions_3BS, mask=bias_B1SS)
    logits_TV = model.logits(hidden_BSD[batch.reply_at]).float()
    reply_T = F.cross_entropy(logits_TV, batch.reply_T, reduction="none")
    reply = (reply_T * batch.reply_weight_T).sum()
    looking = looking_loss(model, heads, batch.looks, batch.positions_3BS, batch.mask_B1SS)
    parts = {
        "reply": Part(reply, float(batch.reply_weight_T.sum())),
        "seen": seen_loss(helpers, tokens_MD, batch.labels),
        "seconds": _seconds_loss(helpers, row_states(tapped[TIME_LAYER], batch), batch.labels),
        "active": _active_loss(helpers, tapped[SCORE_LAYER], batch),
        "looking": Part(looking, len(batch.looks.clip_N)),
    }
    clip_ED = F.normalize(hidden_BSD[batch.embed_at].float(), dim=-1)
    return Found(parts, clip_ED, text_vectors(model, batch.texts))


def text_vectors(model: Qwen25VL, texts: Texts | None) -> Tensor:
    """The vectors (N, D) of texts, of length 1: the last tokens' states after the final norm."""
    if texts is None:
        return torch.zeros(0, model.config.text.hidden_size, device=model.device)
    positions = torch.arange(texts.ids_NS.shape[1], device=model.device)
    hidden_NSD = model.text(model.embed(texts.ids_NS), positions.expand(3, *texts.ids_NS.shape))
    rows = torch.arange(len(texts.last_N), device=model.device)
    return F.normalize(hidden_NSD[rows, texts.last_N].float(), dim=-1)


@contextmanager
def taps(model: Qwen25VL) -> Iterator[dict[int, Tensor]]:
    """Collects the hidden states after the layers the helpers read, while the block runs."""
    found: dict[int, Tensor] = {}

    def keep(number: int) -> torch.utils.hooks.RemovableHandle:
        def hook(_module: nn.Module, _args: object, output: Tensor) -> None:
            found[number] = output

        return model.text.layers[number - 1].register_forward_hook(hook)

    handles = [keep(number) for number in (TIME_LAYER, SCORE_LAYER)]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def row_states(hidden_BSD: Tensor, batch: Batch) -> Tensor:
    """The mean of each row's tokens: (B, R, D), zero on padding."""
    width = hidden_BSD.shape[2]
    per_row = hidden_BSD[batch.vision_at].reshape(-1, TOKENS_PER_ROW, width).mean(1)
    rows = per_row.new_zeros(*batch.labels.valid_BR.shape, width)
    return rows.index_put(torch.nonzero(batch.labels.valid_BR, as_tuple=True), per_row)


def _seconds_loss(helpers: Helpers, rows_BRD: Tensor, labels: RowLabels) -> Part:
    logits = helpers.seconds(rows_BRD[labels.valid_BR]).float()
    seconds = labels.seconds_BR[labels.valid_BR]
    tens = F.cross_entropy(logits[:, :TENS], seconds // 10, reduction="sum")
    ones = F.cross_entropy(logits[:, TENS:], seconds % 10, reduction="sum")
    return Part(tens + ones, len(seconds))


def _active_loss(helpers: Helpers, hidden_BSD: Tensor, batch: Batch) -> Part:
    keys = helpers.row_key(row_states(hidden_BSD, batch)).unflatten(2, (3, -1))
    clip = torch.arange(len(hidden_BSD), device=hidden_BSD.device)[:, None]
    queries = helpers.ask_query(hidden_BSD[clip, batch.ask_at_BQ]).unflatten(2, (3, -1))
    scores = torch.einsum("bqce,brce->bqrc", queries, keys).float() * SCORE_WIDTH**-0.5
    loss = F.binary_cross_entropy_with_logits(
        scores + helpers.score_bias, batch.active_BQR3, reduction="none"
    )
    valid_BQR = batch.labels.valid_BR[:, None, :] & batch.asked_BQ[:, :, None]
    return Part((loss.sum(-1) * valid_BQR).sum(), float(valid_BQR.sum()))
