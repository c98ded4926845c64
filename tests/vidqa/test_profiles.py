"""Which profile a checkpoint gets, and what every profile must hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vidqa.errors import ModelError
from vidqa.profiles import BASE, PROFILES, Profile, profile_for
from vidqa.sampling import PatchGrid

ALL = list(PROFILES.values())


@pytest.mark.parametrize(
    ("name", "profile"),
    [("Qwen/Qwen2.5-VL-7B-Instruct", "base"), ("my-fine-tune", "base"),
     ("Boshenxx/Time-R1-7B", "time-r1"), ("time_r1_3b", "time-r1"),
     ("OpenGVLab/VideoChat-R1_7B", "videochat-r1"),
     ("OpenGVLab/VideoChat-R1-thinking_7B", "videochat-r1"), ("Darwin-Project/MUSEG-3B", "museg")],
)  # fmt: skip
def test_a_checkpoint_is_known_by_its_name(name: str, profile: str) -> None:
    assert profile_for(name, {}).name == profile


def test_a_renamed_folder_is_known_by_the_name_its_config_was_saved_under() -> None:
    assert profile_for("downloads", {"_name_or_path": "Darwin-Project/MUSEG-7B"}).name == "museg"


@pytest.mark.parametrize("name", list(PROFILES))
def test_a_marker_in_the_config_wins_over_the_name(name: str) -> None:
    assert profile_for("Time-R1-7B", {"vidqa_profile": name}).name == name


@pytest.mark.parametrize("marker", ["nanoo", "", 7])
def test_a_marker_that_names_no_profile_is_an_error(marker: object) -> None:
    with pytest.raises(ModelError, match="does not exist") as caught:
        profile_for("folder", {"vidqa_profile": marker})
    assert "nano" in caught.value.next_step


@pytest.mark.parametrize("profile", ALL, ids=lambda profile: profile.name)
def test_every_profile_has_a_place_for_the_text_and_a_budget_of_the_report(
    profile: Profile,
) -> None:
    assert profile.ground.count("{query}") == profile.verify.count("{query}") == 1
    assert profile.ask.count("{question}") == 1
    assert profile.budget.frames <= 768
    assert profile.budget.video_tokens <= 24_576


def test_nano_speaks_as_the_base_does_on_frames_of_four_tokens() -> None:
    nano = PROFILES["nano"]
    assert (nano.system, nano.ground, nano.ask, nano.verify) == (
        BASE.system,
        BASE.ground,
        BASE.ask,
        BASE.verify,
    )
    assert nano.budget.fixed_size == (2 * PatchGrid().block, 2 * PatchGrid().block)


def test_profiles_prompts_and_plans_come_without_torch() -> None:
    code = (
        "import sys, vidqa.profiles, vidqa.prompts, vidqa.replies, vidqa.sampling;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
