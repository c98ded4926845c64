"""What every row shows: the dense supervision that makes a small model learn in minutes.

Axes: B clips, R rows (padded to the longest clip), C classes, Q questions.
A row is two frames; a label is the share of the time between them during which something is so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidqa_nano.phrases import BY_NAME, NOVEL_PAIRS
from vidqa_nano.queries import COLUMN, TRAINED
from vidqa_nano.windows import PRESENT, STATES, Sample
from vidqa_nano.wording import Times

EVENTS = len(TRAINED)
"""The first classes of a row are events, of any and of each colour."""
ACTING = tuple((kind, colour) for kind, colour in PRESENT if colour is not None)
"""Who may be doing something, whatever it is: the last classes of a row."""
CLASSES = EVENTS + len(STATES) + len(PRESENT) + len(ACTING)
_OTHERS = CLASSES - EVENTS - len(ACTING)
HAPPENING = torch.tensor([True] * EVENTS + [False] * _OTHERS + [True] * len(ACTING))
"""(C,): classes of what comes and goes: events, and who does something."""
EVENT_OF_A_COLOUR = torch.tensor(
    [query.colour is not None for query in TRAINED] + [False] * (CLASSES - EVENTS)
)
"""(C,): classes of an event in one colour."""
OF_A_COLOUR = torch.tensor(
    [query.colour is not None for query in TRAINED]
    + [False] * len(STATES)
    + [colour is not None for _, colour in PRESENT]
    + [True] * len(ACTING)
)
"""(C,): classes that a clip without its colours says nothing of."""
_ACTING_COLUMN: dict[tuple[str, str | None], int] = {
    pair: CLASSES - len(ACTING) + i for i, pair in enumerate(ACTING)
}
_KEPT = [
    (COLUMN[name, None], EVENTS + len(STATES) + PRESENT.index((BY_NAME[name].actor, colour)))
    for name, colour in sorted(NOVEL_PAIRS)
]
"""Columns of a kind of any colour, and of who is there in the colour in which it is kept."""
_INSTANT_S = 0.05
"""What a row that repeats a lone last frame is taken to last."""


@dataclass(frozen=True, slots=True)
class RowLabels:
    """Targets of the rows of a batch; ``valid_BR`` is False on padding."""

    seen_BRC: Tensor
    """Every kind of event, of any and of each colour, the states of the scene, who is there, who
    does something."""
    told_BRC: Tensor
    """Whether the row tells: without its colours it does not tell all, and in them not that a kind
    is absent while someone is there in the colour in which that kind is kept for measuring."""
    seconds_BR: Tensor
    """The whole second at which each row starts."""
    valid_BR: Tensor


def row_labels(samples: Sequence[Sample]) -> RowLabels:
    """The labels of a batch of samples."""
    longest = max(len(sample.row_seconds) for sample in samples)
    seen = torch.zeros(len(samples), longest, CLASSES)
    told = torch.ones(len(samples), longest, CLASSES, dtype=torch.bool)
    seconds = torch.zeros(len(samples), longest, dtype=torch.int64)
    valid = torch.zeros(len(samples), longest, dtype=torch.bool)
    for b, sample in enumerate(samples):
        rows = len(sample.row_seconds)
        seen[b, :rows] = torch.from_numpy(_seen(sample))
        told[b, :rows] = ~OF_A_COLOUR if sample.grey else _told(seen[b, :rows])
        seconds[b, :rows] = torch.tensor([int(t_s) for t_s in sample.row_seconds])
        valid[b, :rows] = True
    return RowLabels(seen, told, seconds, valid)


def _seen(sample: Sample) -> NDArray[np.float32]:
    labels = np.zeros((len(sample.row_seconds), CLASSES), np.float32)
    labels[:, EVENTS : CLASSES - len(ACTING)] = sample.states_RC
    for event in sample.events:
        share = shares(sample, [(event.start_s, event.end_s)])
        for pair in {(event.kind.name, None), (event.kind.name, event.colour)} & COLUMN.keys():
            labels[:, COLUMN[pair]] = np.maximum(labels[:, COLUMN[pair]], share)
        if (actor := (event.kind.actor, event.colour)) in _ACTING_COLUMN:
            column = _ACTING_COLUMN[actor]
            labels[:, column] = np.maximum(labels[:, column], share)
    return labels


def _told(seen_RC: Tensor) -> Tensor:
    """(R, C): False where an absence would tell of a pair that is kept for measuring."""
    told_RC = torch.ones_like(seen_RC, dtype=torch.bool)
    for kind, there in _KEPT:
        told_RC[:, kind] = (seen_RC[:, kind] > 0) | (seen_RC[:, there] == 0)
    return told_RC


def shares(sample: Sample, spans: Times) -> NDArray[np.float32]:
    """Per row, the share of the time between its two frames that lies inside the spans."""
    start = np.asarray(sample.row_seconds)[:, None]
    length = np.maximum(np.asarray(sample.row_ends)[:, None] - start, _INSTANT_S)
    low, high = np.asarray(spans, np.float64).reshape(-1, 2).T[:, None, :]
    inside = np.clip(np.minimum(start + length, high) - np.maximum(start, low), 0, None)
    return np.asarray(np.clip(inside.sum(axis=1) / length[:, 0], 0, 1), np.float32)


def edge_row(sample: Sample, edge_s: float) -> int:
    """The row in which a start or an end first shows: no row can tell what follows its frames."""
    row = int(np.searchsorted(sample.row_ends, edge_s, side="right"))
    return min(row, len(sample.row_seconds) - 1)


def question_labels(samples: Sequence[Sample]) -> Tensor:
    """(B, Q, R, 3): per question and row, happening, its start showing, its end showing."""
    longest = max(len(sample.row_seconds) for sample in samples)
    count = max(1, *(len(sample.questions) for sample in samples))
    labels = torch.zeros(len(samples), count, longest, 3)
    for b, sample in enumerate(samples):
        rows = len(sample.row_seconds)
        for q, question in enumerate(sample.questions):
            labels[b, q, :rows, 0] = torch.from_numpy(shares(sample, question.spans))
            for edge in (0, 1):
                for span in question.spans:
                    labels[b, q, edge_row(sample, span[edge]), 1 + edge] = 1.0
    return labels
