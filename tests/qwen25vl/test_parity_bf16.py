"""In bfloat16 two right implementations differ; the float32 numbers of the same weights judge both.

Weights and pixels are rounded once and given to all three, so only the arithmetic differs. Ours may
be no further from the truth than transformers is, up to 5 %: the noise of rounding in another order
(the largest excess over these shapes is 2.6 %). The bounds are a few units of bfloat16's relative
rounding, 2 ** -8: rounding errors of the layers add up like a random walk, not in one direction.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from qwen25vl import Qwen25VL, VideoInput, load_model, save_model
from tests.qwen25vl.scenes import MIXES, SEEDS, Scene, for_transformers, make_scene, random_config

NOISE = 1.05
UNIT = 2.0**-8


class Three(NamedTuple):
    truth: Qwen25VL
    """float32, weights rounded to bfloat16."""
    ours: Qwen25VL
    theirs: Any


@pytest.fixture(scope="module", params=SEEDS, ids="shape {}".format)
def three(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, reference, make_model
) -> Three:
    folder: Path = tmp_path_factory.mktemp("rounded")
    save_model(make_model(random_config(request.param), request.param), folder, stop_ids=[3])
    ours = load_model(folder, dtype=torch.bfloat16)
    truth = load_model(folder, dtype=torch.bfloat16).float()
    return Three(truth, ours, reference(folder, torch.bfloat16))


def rounded_scene(three: Three, dtype: torch.dtype) -> Scene:
    """The same scene in either type: its pixels are those that bfloat16 holds."""
    scene = make_scene(MIXES["in turns"], three.truth.config)
    scene.videos[:] = [
        VideoInput(
            patches_NP=video.patches_NP.bfloat16().to(dtype),
            grid=video.grid,
            row_seconds=video.row_seconds,
        )
        for video in scene.videos
    ]
    return scene


def error(found: Tensor, truth: Tensor) -> float:
    """Root mean square of the difference, relative to that of the truth."""
    return float((found.float() - truth).norm() / truth.norm())


@torch.no_grad()
def test_the_tower_is_no_further_from_the_truth_than_transformers(three):
    exact, half = (rounded_scene(three, dtype) for dtype in (torch.float32, torch.bfloat16))
    truth = three.truth.encode(exact.videos)
    ours = error(three.ours.encode(half.videos), truth)
    patches_NP = torch.cat([video.patches_NP for video in half.videos])
    grids = torch.tensor([list(video.grid) for video in half.videos])
    theirs = error(three.theirs.model.visual(patches_NP, grid_thw=grids).pooler_output, truth)
    assert 0 < ours <= NOISE * theirs
    assert ours <= 2 * UNIT


@torch.no_grad()
def test_scores_are_no_further_from_the_truth_than_transformers(three):
    exact, half = (rounded_scene(three, dtype) for dtype in (torch.float32, torch.bfloat16))
    truth = three.truth(exact.ids_1S, exact.positions(), exact.videos)
    ours = error(three.ours(half.ids_1S, half.positions(), half.videos), truth)
    theirs = error(three.theirs(**for_transformers([half])).logits, truth)
    assert 0 < ours <= NOISE * theirs
    assert ours <= 6 * UNIT
