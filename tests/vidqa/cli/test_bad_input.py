"""A file that cannot be read is one clear error with a next step, and exit code 2."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vidqa.cli.main import app

Make = Callable[[Path, Path], Path]


def empty(folder: Path, clip: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def text(folder: Path, clip: Path) -> Path:
    path = folder / "notes.mp4"
    path.write_text("#EXTM3U\n/etc/passwd\n")
    return path


def half(folder: Path, clip: Path) -> Path:
    path = folder / "half.mp4"  # the index of an MP4 lies at its end
    path.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    return path


def sound(folder: Path, clip: Path) -> Path:
    path = folder / "sound.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(1600))
    return path


def missing(folder: Path, clip: Path) -> Path:
    return folder / "nowhere.mp4"


def directory(folder: Path, clip: Path) -> Path:
    return folder


@pytest.mark.parametrize("make", [empty, text, half, sound, missing, directory])
@pytest.mark.parametrize("command", [["probe"], ["plan", "--read"], ["ground"]])
def test_a_bad_file_is_one_error_with_a_next_step(
    make: Make, command: list[str], clip: Path, tmp_path: Path, tiny_folder: Path
) -> None:
    path = make(tmp_path, clip)
    model = ["-m", str(tiny_folder)] if command != ["probe"] else []
    query = ["q"] if command == ["ground"] else []
    done = CliRunner().invoke(app, [command[0], str(path), *query, *command[1:], *model])
    assert (done.exit_code, done.stdout) == (2, "")
    error = [line for line in done.stderr.splitlines() if not line.endswith(" done")]
    assert len(error) == 2
    assert error[0].startswith("vidqa: ")
    assert path.name in error[0]
    assert error[1].endswith("]")


def test_a_window_outside_the_video_is_an_error(clip: Path, tiny_folder: Path) -> None:
    args = ["plan", str(clip), "-m", str(tiny_folder), "--start", "1:00"]
    done = CliRunner().invoke(app, args)
    assert (done.exit_code, "window_outside" in done.stderr) == (2, True)


def test_plan_reads_and_lists_the_time_asked_and_the_time_got(
    clip: Path, tiny_folder: Path
) -> None:
    args = ["plan", str(clip), "-m", str(tiny_folder), "--start", "1", "--end", "3"]
    done = CliRunner().invoke(app, [*args, "--json", "--read"])
    assert json.loads(done.stdout)["frames"] == [
        {"time": 1.0, "pts": 1.0},
        {"time": 1.5, "pts": 1.5},
        {"time": 2.0, "pts": 2.0},
        {"time": 2.5, "pts": 2.5},
    ]
