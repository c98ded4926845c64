"""Labelled questions about drawn films."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidqa.pipeline.labelled import read_labelled
from vidqa_nano import labelled
from vidqa_nano.story import story_of


def test_films_and_their_questions_are_what_calibrate_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "SIDE", 56)
    monkeypatch.setattr(labelled, "FPS", 2)
    assert labelled.main([str(tmp_path), "--clips", "2"]) == 0
    asked = read_labelled(tmp_path / "labelled.jsonl")
    assert [question.video.name for question in asked] == ["0000.mp4"] * 4 + ["0001.mp4"] * 4
    assert all(question.video.exists() for question in asked)
    assert [bool(question.spans) for question in asked] == [True, True, False, False] * 2
    duration_s = story_of("tuning", 0, "short").duration_s
    assert all(span.end_s <= duration_s for question in asked[:4] for span in question.spans)
