"""Which profile a checkpoint gets, and what every profile must hold."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from vidqa.errors import ModelError
from vidqa.profiles import BASE, PROFILES, TIMELENS, Profile, profile_for
from vidqa.sampling import PatchGrid, plan_frames

CARD = Path(__file__).resolve().parents[2] / "docs" / "MODEL_CARD.md"
ALL = list(PROFILES.values())


@pytest.mark.parametrize(
    ("name", "profile"),
    [("Qwen/Qwen2.5-VL-7B-Instruct", "base"), ("my-fine-tune", "base"),
     ("Boshenxx/Time-R1-7B", "time-r1"), ("time_r1_3b", "time-r1"),
     ("OpenGVLab/VideoChat-R1_7B", "videochat-r1"),
     ("OpenGVLab/VideoChat-R1-thinking_7B", "videochat-r1"), ("Darwin-Project/MUSEG-3B", "museg"),
     ("TencentARC/TimeLens-7B", "timelens"), ("XiaomiMiMo/MiMo-VL-7B-RL", "mimo-vl")],
)  # fmt: skip
def test_a_checkpoint_is_known_by_its_name(name: str, profile: str) -> None:
    assert profile_for(name, {}).name == profile


def test_a_renamed_folder_is_known_by_the_name_its_config_was_saved_under() -> None:
    assert profile_for("downloads", {"_name_or_path": "Darwin-Project/MUSEG-7B"}).name == "museg"


@dataclass(frozen=True)
class Clip:
    """A measured video of 720p at 30 frames per second."""

    duration_s: float
    width: int = 1280
    height: int = 720
    fps: float = 30.0
    vfr: bool = False

    @property
    def frame_count(self) -> int:
        return round(self.duration_s * self.fps)


def test_a_renamed_mimo_is_known_by_its_shape_in_a_flat_or_a_nested_config() -> None:
    shape = {"hidden_size": 4096, "num_hidden_layers": 36}
    assert profile_for("folder", shape).name == "mimo-vl"
    assert profile_for("folder", {"text_config": shape}).name == "mimo-vl"
    assert profile_for("folder", {**shape, "num_hidden_layers": 28}).name == "base"
    assert profile_for("Time-R1-7B", shape).name == "time-r1"


@pytest.mark.parametrize("duration_s", [3.0, 30.0, 600.0, 7200.0])
def test_a_plan_for_timelens_keeps_to_the_budget_it_was_trained_with(duration_s: float) -> None:
    plan = plan_frames(Clip(duration_s), TIMELENS.budget)
    assert plan.frames <= 448
    assert plan.video_tokens <= 14_336
    assert plan.row_tokens >= 60  # of 16:9, no picture of whole blocks comes closer to 64
    assert plan.fps <= 2.0


def test_timelens_reads_its_own_sentence_with_times_as_text() -> None:
    assert TIMELENS.time_encoding == "text"
    assert [TIMELENS.time_text.format(seconds=s) for s in (0.0, 10.2, 83.04)] == [
        "0.0s",
        "10.2s",
        "83.0s",
    ]
    assert all(each.time_encoding == "mrope" for each in ALL if each is not TIMELENS)


@pytest.mark.parametrize("profile", ALL, ids=lambda profile: profile.name)
def test_the_model_card_lists_every_profile_with_its_budget(profile: Profile) -> None:
    rows = [line.split("|") for line in CARD.read_text(encoding="utf-8").splitlines()]
    row = next(cells for cells in rows if cells[1:2] == [f" `{profile.name}` "])
    budget = f"{profile.budget.frames} frames, {profile.budget.video_tokens} tokens"
    assert budget in row[3]


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
