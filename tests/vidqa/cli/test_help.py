"""The command line explains itself and refuses what it does not understand."""

from __future__ import annotations

import builtins
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vidqa import __version__
from vidqa.cli.checkup import examine
from vidqa.cli.main import app

COMMANDS = ["ground", "ask", "probe", "plan", "models", "doctor", "bench", "bench model"]
COMMANDS += ["describe", "calibrate"]
COMMANDS += ["cache", "cache stats", "cache verify", "cache clear"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "--help"])
    assert (done.exit_code, "Usage" in done.output) == (0, True)


def test_the_version_is_printed() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"vidqa {__version__}\n")


@pytest.mark.parametrize(
    "args",
    [
        ["ground"],
        ["ground", "clip.mp4"],
        ["nothing"],
        ["ground", "clip.mp4", "x", "--no-such-option"],
        ["plan", "clip.mp4", "--threads", "many"],
    ],
)
def test_wrong_usage_exits_with_two_and_nothing_on_stdout(args: list[str]) -> None:
    done = CliRunner().invoke(app, args)
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--format", "docx"], "format_unknown"),
        (["--start", "yesterday"], "time_unreadable"),
        (["--progress", "loud"], "progress_unknown"),
        (["--sampling", "random"], "sampling_unknown"),
        (["--sheet", "sheet.docx"], "sheet_format_unknown"),
        (["--sheet", "sheet"], "sheet_format_unknown"),
    ],
)
def test_a_wrong_value_is_named_before_any_model_is_loaded(args: list[str], code: str) -> None:
    done = CliRunner().invoke(app, ["ground", "clip.mp4", "x", *args])
    assert (done.exit_code, done.stdout) == (2, "")
    assert code in done.stderr


def test_answers_in_free_words_cannot_be_held_to_a_format() -> None:
    done = CliRunner().invoke(app, ["ask", "clip.mp4", "x", "--strict"])
    assert (done.exit_code, "strict_without_format" in done.stderr) == (2, True)


def test_an_output_that_exists_is_not_replaced_unasked(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"mine")
    done = CliRunner().invoke(app, ["ground", "clip.mp4", "x", "--sheet", str(sheet)])
    assert (done.exit_code, sheet.read_bytes()) == (2, b"mine")
    assert "output_exists" in done.stderr


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program")
def test_a_clip_that_exists_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "film-1.mp4").touch()
    done = CliRunner().invoke(app, ["ground", "film.mp4", "x", "--clip", "-o", str(tmp_path)])
    assert (done.exit_code, "output_exists" in done.stderr) == (2, True)


def test_clips_without_ffmpeg_are_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = CliRunner().invoke(app, ["ground", "film.mp4", "x", "--clip"])
    assert (done.exit_code, "ffmpeg_missing" in done.stderr) == (2, True)


def test_an_error_is_a_json_line_for_programs() -> None:
    args = ["ground", "clip.mp4", "x", "--start", "yesterday", "--progress", "jsonl"]
    done = CliRunner().invoke(app, args)
    assert json.loads(done.stderr)["error"]["code"] == "time_unreadable"


@pytest.mark.parametrize(("package", "state"), [("av", "FAIL"), ("decord", "warn")])
def test_the_doctor_tells_of_a_package_that_does_not_load(
    monkeypatch: pytest.MonkeyPatch, package: str, state: str
) -> None:
    def broken(
        name: str, *rest: object, real: Callable[..., object] = builtins.__import__
    ) -> object:
        if name == package:
            raise OSError(f"lib{name}.so: no such file")
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setattr("builtins.__import__", broken)
    monkeypatch.setattr("importlib.import_module", broken)
    checks = {check.finding: check.state for check in examine()}
    (finding,) = [text for text in checks if f"lib{package}.so" in text]
    assert checks[finding] == state
