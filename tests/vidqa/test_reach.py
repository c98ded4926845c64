"""How much video one look of a checkpoint is trusted with."""

from __future__ import annotations

import pytest

from vidqa.errors import PlanError
from vidqa.profiles import PROFILES
from vidqa.reach import Reach


def test_a_wanted_precision_sets_the_rate_within_what_the_checkpoint_knows() -> None:
    reach = Reach(fps_min=0.5, fps_max=2.0)
    assert [reach.fps_for(s, 2) for s in (0.1, 1.0, 2.0, 60.0)] == [2.0, 2.0, 1.0, 0.5]


@pytest.mark.parametrize(("name", "value"), [("window_s", 0.0), ("passes", -1), ("skim_fps", 0.0)])
def test_an_impossible_bound_is_named(name: str, value: float) -> None:
    with pytest.raises(PlanError, match=name):
        Reach(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_a_window_at_full_rate_fits_one_pass_of_its_profile(profile: object) -> None:
    from vidqa.profiles import Profile

    assert isinstance(profile, Profile)
    assert profile.reach.window_s * profile.budget.fps <= profile.budget.frames
    assert profile.reach.window_s <= profile.reach.one_pass_s
