"""What the tower has learnt to see: how precisely it names the events of a row of a clip.

In: a network, the helpers' heads, clips that are not trained on. Out: the mean, over kinds of
event, of the average precision with which rows are told apart by it. Losses hide this: most events
are off in most rows, and a tower that says so always has a small loss and an answer to nothing.
Axes: R rows of all clips, C kinds of event.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from qwen25vl import Qwen25VL
from vidqa_nano.clips import Clips
from vidqa_nano.losses import Helpers, seen_scores, vision_tokens
from vidqa_nano.packing import Packer
from vidqa_nano.queries import TRAINED
from vidqa_nano.windows import cut_sample, whole_window

FEWEST_ROWS = 5
"""Rows that must show a kind for its precision to count."""
_ON = 0.5
"""Share of a row from which on an event counts as on in it."""
_KINDS = [column for column, query in enumerate(TRAINED) if query.colour is None]


@torch.no_grad()
def sight(
    model: Qwen25VL, helpers: Helpers, packer: Packer, clips: Clips, which: Iterable[int]
) -> float:
    """Mean average precision over kinds, 0 to 1; NaN when no kind is on in enough rows."""
    model.eval()
    scores, labels = [], []
    for index in which:
        window = whole_window(clips.stories[index])
        batch = packer.pack([cut_sample(clips, index, window, np.random.default_rng(0), 1)])
        batch = batch.to(model.device)
        scores.append(seen_scores(helpers, vision_tokens(model, batch))[:, _KINDS].cpu())
        labels.append(batch.labels.seen_BRC[batch.labels.valid_BR][:, _KINDS].cpu() > _ON)
    model.train()
    found_RC, true_RC = torch.cat(scores).numpy(), torch.cat(labels).numpy()
    kinds = np.flatnonzero(true_RC.sum(0) >= FEWEST_ROWS)
    precisions = [average_precision(found_RC[:, kind], true_RC[:, kind]) for kind in kinds]
    return float(np.mean(precisions)) if precisions else float("nan")


def average_precision(scores_R: NDArray[np.float32], true_R: NDArray[np.bool_]) -> float:
    """Mean, over the true rows, of the share of true ones among all that score no lower."""
    ranked = true_R[np.argsort(-scores_R, kind="stable")]
    share = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(share[ranked].mean())
