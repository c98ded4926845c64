"""Which frames a skim reads, before any is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidqa.pipeline.planning import Sampling
from vidqa.pipeline.skimming import SkimPlan, plan_skim
from vidqa.reach import Reach
from vidqa.sampling import Budget, PatchGrid
from vidqa.timeline import Span


@dataclass
class Film:
    duration_s: float
    width: int = 640
    height: int = 360
    fps: float = 25.0
    vfr: bool = False

    @property
    def frame_count(self) -> int:
        return round(self.duration_s * self.fps)


HOW = Sampling(budget=Budget(), grid=PatchGrid())
SMALL = Sampling(budget=Budget(frames=128, fixed_size=(56, 56)), grid=PatchGrid())
WINDOWED = Reach(window_s=32.0, skim_fps=1.0, skim_gap_s=2.0, whole=False)


def skim(seconds: float, keys: list[float], reach: Reach, how: Sampling = HOW) -> SkimPlan:
    return plan_skim(Film(seconds), np.array(keys), Span(0.0, seconds), how, reach)


def test_key_frames_that_are_dense_enough_are_read_at_their_own_uneven_times() -> None:
    keys = [0.0]
    while keys[-1] < 3590:
        keys.append(keys[-1] + 2.0 + (len(keys) * 7 % 8))
    plan = skim(3600.0, keys, Reach())
    assert plan.how == "keys"
    assert set(plan.stretches[0].plan.seconds) <= set(keys)
    assert plan.frames <= 768
    assert plan.video_tokens <= 24_576


def test_one_gap_without_key_frames_puts_the_whole_skim_on_the_clock() -> None:
    keys = [4.0 * k for k in range(900) if not 100 < k < 120]
    assert skim(3600.0, keys, Reach()).how == "clock"


def test_a_video_of_one_key_frame_is_skimmed_on_the_clock() -> None:
    assert skim(3600.0, [0.0], Reach()).how == "clock"


def test_a_checkpoint_of_short_prompts_skims_in_as_many_looks_as_it_takes() -> None:
    plan = skim(3600.0, [0.0], WINDOWED, SMALL)
    spans = [stretch.plan.span for stretch in plan.stretches]
    assert (spans[0].start_s, spans[-1].end_s) == (0.0, 3600.0)
    assert all(a.end_s == b.start_s for a, b in pairwise(spans))
    assert {stretch.plan.fps for stretch in plan.stretches} == {1.0}
    assert plan.frames == 3600


@given(st.floats(130.0, 4000.0), st.floats(0.5, 3.0))
def test_every_look_of_a_skim_keeps_its_budget(seconds: float, fps: float) -> None:
    reach = Reach(window_s=32.0, skim_fps=fps, whole=False)
    plan = skim(seconds, [0.0], reach, SMALL)
    assert all(stretch.plan.frames <= 128 for stretch in plan.stretches)
    assert len({(s.plan.height, s.plan.width) for s in plan.stretches}) == 1


def test_a_skim_of_eight_hours_at_once_keeps_one_budget() -> None:
    plan = skim(28_800.0, [0.0], Reach())
    assert (len(plan.stretches), plan.frames <= 768, plan.video_tokens <= 24_576) == (1, True, True)
