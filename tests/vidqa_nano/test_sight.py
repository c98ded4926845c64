"""What the tower sees, as one number."""

from __future__ import annotations

import numpy as np
import pytest

from vidqa_nano.clips import Clips
from vidqa_nano.recipe import Recipe
from vidqa_nano.sight import average_precision, sight
from vidqa_nano.trainer import Run


@pytest.mark.parametrize(
    ("scores", "true", "precision"),
    [
        ([0.9, 0.8, 0.1], [True, True, False], 1.0),
        ([0.9, 0.8, 0.1], [False, True, True], (1 / 2 + 2 / 3) / 2),
        ([0.1, 0.2, 0.9, 0.3], [True, False, False, False], 1 / 4),
    ],
)
def test_precision_is_that_of_the_ranking(
    scores: list[float], true: list[bool], precision: float
) -> None:
    found = average_precision(np.array(scores, np.float32), np.array(true))
    assert found == pytest.approx(precision)


def test_an_untrained_tower_sees_little_and_is_left_in_training(clips: Clips) -> None:
    run = Run(Recipe(steps=1, half=False), clips)
    seen = sight(run.model, run.helpers, run.packer, clips, range(len(clips)))
    assert 0.0 < seen < 0.6
    assert run.model.training
