"""The command line explains itself and refuses what it does not understand."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from vidqa import __version__
from vidqa.cli.main import app

COMMANDS = ["ground", "ask", "probe", "plan", "models", "doctor"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])
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
    ],
)
def test_a_wrong_value_is_named_before_any_model_is_loaded(args: list[str], code: str) -> None:
    done = CliRunner().invoke(app, ["ground", "clip.mp4", "x", *args])
    assert (done.exit_code, done.stdout) == (2, "")
    assert code in done.stderr


def test_an_output_that_exists_is_not_replaced_unasked(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"mine")
    done = CliRunner().invoke(app, ["ground", "clip.mp4", "x", "--sheet", str(sheet)])
    assert (done.exit_code, sheet.read_bytes()) == (2, b"mine")
    assert "output_exists" in done.stderr
