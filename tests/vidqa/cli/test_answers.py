"""``vidqa ground`` and ``ask`` as a program sees them: stdout, stderr, files and exit codes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.scripted_engine import context_saying
from vidqa.cli.main import app
from vidqa.cli.progress import Progress
from vidqa.session import Session

FOUND = "The given query happens in 2.0 - 3.5, 5.0 - 6.0 seconds."


@pytest.fixture
def says() -> Iterator[dict[str, str]]:
    """Set ``says["text"]`` to what the model replies; no checkpoint is loaded."""
    script = {"text": FOUND}

    def open_scripted(*, progress: Progress, **_: object) -> Session:
        ctx, _engine = context_saying(script["text"], progress=progress)
        return Session(ctx)

    with mock.patch("vidqa.session.open_session", open_scripted):
        yield script


def test_found_is_a_table_on_stdout_and_exit_code_zero(says: dict[str, str], clip: Path) -> None:
    done = CliRunner().invoke(app, ["ground", str(clip), "light turns on"])
    lines = done.stdout.splitlines()
    assert (done.exit_code, lines[0]) == (0, '"light turns on" happens 2 times:')
    row = ["00:00:02.000", "00:00:03.500", "1.5", "s", "1", "s", "not", "calibrated"]
    assert lines[3].split() == row


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("The given query does not happen in the video.", "not_found"), ("Hm.", "uncertain")],
)
def test_a_no_and_a_doubt_exit_with_one(
    says: dict[str, str], clip: Path, reply: str, outcome: str
) -> None:
    says["text"] = reply
    done = CliRunner().invoke(app, ["ground", str(clip), "q", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["outcome"]) == (1, outcome)


def test_json_lines_hold_one_result_a_line_and_progress_stays_on_stderr(
    says: dict[str, str], clip: Path
) -> None:
    done = CliRunner().invoke(app, ["ground", str(clip), "q", "--jsonl", "--progress", "jsonl"])
    assert json.loads(done.stdout)["outcome"] == "found"
    assert len(done.stdout.splitlines()) == 1
    stages = [json.loads(line)["stage"] for line in done.stderr.splitlines()]
    assert {"probe", "decode", "vision", "text"} <= set(stages)


def test_every_format_is_written_beside_the_others(
    says: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    names = ["txt", "json", "jsonl", "srt", "vtt", "csv", "edl", "chapters"]
    args = ["ground", str(clip), "q", "-f", ",".join(names), "-o", str(tmp_path)]
    done = CliRunner().invoke(app, args)
    assert (done.exit_code, done.stdout) == (0, "")
    assert sorted(path.suffix[1:] for path in tmp_path.iterdir()) == sorted(names)
    assert "00:00:02,000 --> 00:00:03,500" in (tmp_path / "clip.srt").read_text()


def test_what_was_written_is_told_as_json_lines_to_programs(
    says: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    args = ["ground", str(clip), "q", "-f", "srt", "-o", str(tmp_path), "--progress", "jsonl"]
    done = CliRunner().invoke(app, args)
    notes = [note for line in done.stderr.splitlines() if (note := json.loads(line).get("note"))]
    assert notes == [f"wrote {tmp_path / 'clip.srt'}"]


def test_a_folder_that_cannot_be_made_is_told_before_the_model_is_loaded(
    clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    sheet = tmp_path / "file" / "sheet.png"
    with mock.patch("vidqa.session.open_session") as load:
        done = CliRunner().invoke(app, ["ground", str(clip), "q", "--sheet", str(sheet)])
    assert (done.exit_code, done.stdout, load.called) == (2, "", False)
    assert "output_unwritable" in done.stderr


@pytest.mark.parametrize("options", [["-o", "."], ["--sheet", "s.png"], ["--clip"]])
def test_a_folder_that_may_not_be_written_into_is_told_before_the_model_is_loaded(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.access", lambda _, mode: not mode & os.W_OK)
    with mock.patch("vidqa.session.open_session") as load:
        done = CliRunner().invoke(app, ["ground", str(clip), "q", *options])
    assert (done.exit_code, done.stdout, load.called) == (2, "", False)
    assert "output_unwritable" in done.stderr


@pytest.mark.parametrize(
    ("taken", "options"),
    [
        ("clip.txt", ["-o", "."]),
        ("s.png", ["--sheet", "s.png"]),
        ("clip-1.mp4", ["--clip"]),
        ("clip-7.mp4", ["--clip"]),
    ],
)
@pytest.mark.parametrize("overwrite", [[], ["-y"]])
def test_a_folder_where_a_file_shall_go_is_told_before_the_model_is_loaded(
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    taken: str,
    options: list[str],
    overwrite: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / taken).mkdir()
    with mock.patch("vidqa.session.open_session") as load:
        done = CliRunner().invoke(app, ["ground", str(clip), "q", *options, *overwrite])
    assert (done.exit_code, load.called) == (2, False)
    assert f"{taken} is to be written, and is a folder" in done.stderr


def test_a_clip_of_any_number_that_is_there_is_told_before_the_model_is_loaded(
    clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "clip-2.mp4").touch()
    (tmp_path / "other-1.mp4").touch()
    with mock.patch("vidqa.session.open_session") as load:
        done = CliRunner().invoke(app, ["ground", str(clip), "q", "--clip", "-o", str(tmp_path)])
    assert (done.exit_code, load.called) == (2, False)
    assert "clip-2.mp4 is already there" in done.stderr


def test_the_sheet_is_a_picture(says: dict[str, str], clip: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "new" / "sheet.png"
    done = CliRunner().invoke(app, ["ground", str(clip), "q", "--sheet", str(sheet)])
    assert done.exit_code == 0, done.stderr
    with Image.open(sheet) as picture:
        assert (picture.format, min(picture.size) > 200) == ("PNG", True)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program")
def test_every_moment_is_cut_to_its_length(
    says: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    from vidqa.video import probe

    args = ["ground", str(clip), "q", "--clip", "-o", str(tmp_path), "--json", "-f", "json"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.stderr
    lengths = [round(probe(tmp_path / f"clip-{k}.mp4").duration_s, 3) for k in (1, 2)]
    assert lengths == [1.5, 1.0]


def test_an_answer_is_its_words(says: dict[str, str], clip: Path) -> None:
    says["text"] = "Red, in 1.0 - 2.5 seconds."
    done = CliRunner().invoke(app, ["ask", str(clip), "Which colour?"])
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "Red")


def test_an_interruption_is_a_json_line_too_where_all_are(clip: Path) -> None:
    with mock.patch("vidqa.session.open_session", side_effect=KeyboardInterrupt):
        done = CliRunner().invoke(app, ["ground", str(clip), "q", "--progress", "jsonl"])
    assert (done.exit_code, json.loads(done.stderr)) == (130, {"note": "interrupted"})


def test_an_interruption_exits_with_130(clip: Path) -> None:
    with mock.patch("vidqa.session.open_session", side_effect=KeyboardInterrupt):
        done = CliRunner().invoke(app, ["ground", str(clip), "q"])
    assert done.exit_code == 130


def test_a_whole_checkpoint_answers_through_every_layer(clip: Path, tiny_folder: Path) -> None:
    args = ["ground", str(clip), "q", "-m", str(tiny_folder), "--json", "--budget-frames", "4"]
    done = CliRunner().invoke(app, args)
    value = json.loads(done.stdout)
    assert done.exit_code in (0, 1)
    assert value["passes"][0]["frames"] == 4
    assert value["model"].startswith(f"{tiny_folder.name}@sha256:")
