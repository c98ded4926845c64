"""Plans of times that the caller chose: key frames, or moments a question picked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vidqa.errors import PlanError
from vidqa.sampling import Budget, plan_given, to_true_seconds
from vidqa.timeline import Span


@dataclass(frozen=True)
class Video:
    duration_s: float = 100.0
    fps: float = 25.0
    width: int = 640
    height: int = 360
    vfr: bool = False
    frame_count: int = 2500


def test_rows_are_told_their_true_uneven_times() -> None:
    plan = plan_given(Video(), [10.0, 12.0, 30.5, 31.0, 70.0], window=Span(10.0, 90.0))
    assert plan.row_seconds == (0.0, 20.5, 60.0)
    assert plan.seconds == (10.0, 12.0, 30.5, 31.0, 70.0, 70.0)
    assert (plan.mode, plan.frames, plan.precision_s) == ("given", 6, 39.5)
    assert to_true_seconds(plan, 20.5) == 30.5


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        ([], "times_impossible"),
        ([5.0, 4.0], "times_impossible"),
        ([5.0, 100.0], "times_impossible"),
        ([float(k) for k in range(9)], "times_too_many"),
    ],
)
def test_times_that_make_no_pass_are_an_error(seconds: list[float], code: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_given(Video(), seconds, Budget(frames=8))
    assert caught.value.code == code


def test_the_budget_holds_for_given_times_too() -> None:
    plan = plan_given(Video(), [k / 8 for k in range(768)], Budget(video_tokens=6144))
    assert (plan.frames, plan.video_tokens <= 6144) == (768, True)
