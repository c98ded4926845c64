"""``vidqa index``: what it prints, where, and how it exits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from shutil import copy

import pytest
from typer.testing import CliRunner, Result

from tests.vidqa.pipeline.some_videos import write_video
from vidqa.cli.main import app

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def index(place: Path, *arguments: object) -> Result:
    words = ["index", *map(str, arguments), "--db", str(place / "archive.db"), "--device", "cpu"]
    return CliRunner().invoke(app, words)


def test_a_folder_is_indexed_and_a_broken_file_told_on_stderr(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    copy(EXAMPLES / "car.mp4", videos)
    assert index(tmp_path, videos).exit_code == 0

    (videos / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    done = index(tmp_path, videos, "--json")

    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["counts"] == {"failed": 1, "unchanged": 1}
    assert "broken.mp4" in done.stderr
    assert "not indexed" in done.stderr


def test_the_summary_says_how_much_was_done(tmp_path: Path) -> None:
    done = index(tmp_path, EXAMPLES / "car.mp4", "--progress", "plain")
    assert done.exit_code == 0
    assert done.stdout.startswith("1 indexed\n0:00:21 of video in 0:00:0")
    assert f"indexed: {EXAMPLES / 'car.mp4'}" in done.stderr


def test_footage_that_the_model_does_not_know_is_told_once(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    write_video(videos / "a.mp4", 9)
    write_video(videos / "b.mp4", 13)
    done = index(tmp_path, videos)
    told = "Most of these videos do not look like what nano was made for"
    assert (done.exit_code, done.output.count(told)) == (0, 1)
    known = index(tmp_path, EXAMPLES / "car.mp4", "--json")
    assert json.loads(known.stdout)["notes"] == []


def test_progress_for_programs_is_a_line_of_json_each(tmp_path: Path) -> None:
    done = index(tmp_path, EXAMPLES / "car.mp4", "--progress", "jsonl", "--jsonl")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    steps = [line for line in lines if line.get("stage") == "index"]
    assert steps[-1]["fraction"] == 1.0
    assert [line["file"]["outcome"] for line in lines if "file" in line] == ["indexed"]
    assert json.loads(done.stdout)["counts"] == {"indexed": 1}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "paths_and_reindex"),
        (["a.mp4", "--reindex"], "paths_and_reindex"),
        (["a.mp4", "--force"], "force_without_reindex"),
        (["none.mp4"], "nothing_there"),
        (["https://example.org/a.mp4"], "url_refused"),
    ],
)
def test_what_cannot_be_done_exits_with_2_and_a_next_step(
    tmp_path: Path, arguments: list[str], code: str
) -> None:
    done = index(tmp_path, *arguments)
    assert done.exit_code == 2
    assert f"[{code}]" in done.stderr


def test_reindexing_says_which_vectors_serve(tmp_path: Path) -> None:
    index(tmp_path, EXAMPLES / "car.mp4")
    done = index(tmp_path, "--reindex")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "searches use the new vectors")


def test_ctrl_c_ends_in_good_order_with_130(tmp_path: Path) -> None:
    for seed in range(2):
        write_video(tmp_path / f"{seed}.mp4", 150, seed=seed)
    command = [sys.executable, "-m", "vidqa", "index", str(tmp_path), "--json", "--device", "cpu"]
    place = tmp_path / "archive.db"
    with subprocess.Popen(
        [*command, "--db", str(place), "--progress", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if '"stage": "index"' in line:
                break
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["interrupted"] is True
    assert index(tmp_path, tmp_path).exit_code == 0
