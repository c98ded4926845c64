"""``--reader isolated``: the same answers, from files that are decoded in confined processes."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import pytest
from PIL import Image
from typer.testing import CliRunner

from vidqa.cli.main import app


@pytest.fixture
def no_decoder_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where this process would hand a file to FFmpeg or Pillow."""
    for name in ("vidqa.video.container.av.open", "vidqa.video.stills.Image.open"):
        monkeypatch.setattr(name, mock.Mock(side_effect=AssertionError("decoded in this process")))


def said(*words: str) -> dict[str, object]:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code in (0, 1), done.output
    told: dict[str, object] = json.loads(done.stdout)
    return told


def plain(told: dict[str, object]) -> dict[str, object]:
    """Without what differs from run to run."""
    return {name: value for name, value in told.items() if name not in ("timings", "cache")}


@pytest.mark.parametrize("command", [["probe"], ["plan", "--read"]])
def test_a_video_is_measured_and_planned_alike(command: list[str], clip: Path) -> None:
    ours, theirs = (said(*command, str(clip), "--reader", r) for r in ("isolated", "pyav"))
    for told in (ours, theirs):
        told.get("course", {}).pop("about_s", None)  # type: ignore[attr-defined]
    assert ours == theirs


@pytest.mark.usefixtures("no_decoder_here")
def test_a_question_is_answered_without_decoding_in_this_process(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDQA_CACHE", "0")
    told = said("ground", str(clip), "a person waves", "--reader", "isolated")
    assert told["outcome"] in ("found", "not_found", "uncertain")


@pytest.mark.usefixtures("no_decoder_here")
def test_a_picture_is_answered_without_decoding_in_this_process(tmp_path: Path) -> None:
    path = tmp_path / "red.bmp"
    # Pillow writes it: only opening is forbidden here.
    Image.new("RGB", (56, 56), "red").save(path)
    assert said("probe", str(path), "--reader", "isolated")["kind"] == "image"
    assert said("ask", str(path), "What is it?", "--reader", "isolated")["outcome"]


def test_a_setting_chooses_it_too(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDQA_READER", "isolated")
    opened = mock.Mock(side_effect=AssertionError("decoded in this process"))
    monkeypatch.setattr("vidqa.video.container.av.open", opened)
    assert said("probe", str(clip))["frame_count"] == 80
