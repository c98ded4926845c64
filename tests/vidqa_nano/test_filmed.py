"""Questions to files: the product is asked, about what the file shows."""

from __future__ import annotations

from pathlib import Path

from vidqa_nano import weights_folder
from vidqa_nano.clips import load_clips
from vidqa_nano.filmed import filmed
from vidqa_nano.rows import once
from vidqa_nano.scores import summary


def test_a_clip_asked_as_a_file_is_answered_with_times_of_the_story(tmp_path: Path) -> None:
    clips = load_clips(tmp_path, "held_out", 2, "short")
    answers = filmed(weights_folder(), tmp_path, clips, 2, once)
    assert {answer.clip for answer in answers} == {0, 1}
    assert all(end <= answer.duration_s for answer in answers for _, end in answer.answer)
    assert summary(answers)["mIoU"].value > 0.5
    assert not (tmp_path / "clip.mp4").exists()
