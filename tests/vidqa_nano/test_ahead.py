"""Batches made by other processes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vidqa_nano.ahead import Ahead
from vidqa_nano.clips import load_clips
from vidqa_nano.recipe import Recipe
from vidqa_nano.train import main
from vidqa_nano.trainer import Run

RECIPE = Recipe(clips=4, steps=16, vision_share=0.25, tokens=700, vision_rows=30, embed_every=2)


def leaves(value: Any) -> list[Any]:
    """All that a batch holds, in order."""
    if isinstance(value, tuple | list):
        return [leaf for item in value for leaf in leaves(item)]
    if is_dataclass(value):
        return [leaf for field in fields(value) for leaf in leaves(getattr(value, field.name))]
    return [value]


def test_batches_made_ahead_are_those_made_in_turn(tmp_path: Path) -> None:
    run = Run(RECIPE, load_clips(tmp_path, "train", 4))
    with closing(Ahead(RECIPE, tmp_path, 2)) as ahead:
        for step in range(12):
            run.step = step
            both = [source.ready(step, run.course()) for source in (run.source, ahead)]
            for mine, other in zip(*map(leaves, both), strict=True):
                assert torch.equal(mine, other) if isinstance(mine, Tensor) else mine == other


def test_a_run_by_the_clock_has_the_next_course_made_anew(tmp_path: Path) -> None:
    recipe = Recipe(clips=4, minutes=1.0, vision_share=0.5, tokens=700, vision_rows=30)
    run = Run(recipe, load_clips(tmp_path, "train", 4))
    with closing(Ahead(recipe, tmp_path, 1)) as ahead:
        for seconds, stage in ((0.0, 1), (45.0, 2)):
            run.step, run.pool_elapsed_s = run.step + 4, seconds
            assert run.course().stage == stage
            mine = run.source.ready(run.step, run.course())
            other = ahead.ready(run.step, run.course())
            assert torch.equal(mine.batch.ids_BS, other.batch.ids_BS)


def test_a_training_with_batches_made_ahead_is_the_training_without(tmp_path: Path) -> None:
    common = ["--cache", str(tmp_path), "--clips", "4", "--steps", "8", "--tokens", "400"]
    common += ["--vision-rows", "16", "--measure-every", "100", "--no-half"]
    found = []
    for drawing in ("0", "1"):
        folder = tmp_path / drawing
        assert main([*common, "--run", str(folder), "--drawing", drawing]) == 0
        found.append(torch.load(folder / "run.pt", weights_only=True)["model"])
    assert all(torch.equal(found[0][name], value) for name, value in found[1].items())


def test_a_team_draws_for_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--cache", str(tmp_path), "--run", str(tmp_path)]
    with pytest.raises(SystemExit):
        main([*folders, "--workers", "2", "--drawing", "1"])
    assert "--drawing goes with one worker" in capsys.readouterr().err
