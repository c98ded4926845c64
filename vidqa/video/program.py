"""The ffmpeg program, run on one file: with an end to its time, and confined where files are
strangers'.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidqa.errors import ExportError

_ADDRESS_BYTES = 4 << 30
_TOLD_BYTES = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of ffmpeg."""

    arguments: Sequence[str]
    """Behind its name."""
    source: Path
    """The one file that it reads."""
    target: Path
    """The one file that it writes; it is there already."""
    within_s: float
    """Wall seconds."""
    confined: bool
    """Whether it may do nothing else: no other file, no network, limited memory."""


def run(what: Run) -> None:
    """Run it to its end; raises :class:`ExportError` ``ffmpeg_missing``, ``ffmpeg_timeout``, or
    ``ffmpeg_failed``."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise ExportError(
            "the ffmpeg program is not installed, and only it can cut clips",
            code="ffmpeg_missing",
            next_step="Install it: apt install ffmpeg, brew install ffmpeg, winget install ffmpeg.",
        )
    command = [program, *what.arguments]
    with tempfile.TemporaryFile() as told:  # not a pipe: damaged files are complained of at length
        process = subprocess.Popen(  # noqa: S603
            [*_walls(what, program), *command] if what.confined else command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
        )
        with process:
            try:
                process.wait(what.within_s)
            except subprocess.TimeoutExpired as err:
                raise ExportError(
                    f"{what.source}: cutting was not over after {what.within_s:.0f} s",
                    code="ffmpeg_timeout",
                    next_step="Cut a shorter span, or from a smaller video.",
                ) from err
            finally:
                process.kill()  # nothing happens when it has ended; on Ctrl-C it must not live on
        if process.returncode:
            told.seek(max(0, told.tell() - _TOLD_BYTES))
            raise _failed(told.read().decode(errors="replace"))


def _walls(what: Run, program: str) -> list[str]:
    """What is run in place of the program, to become it once it is confined."""
    real = Path(program).resolve()
    walls = {
        "read": [str(what.source.resolve())],
        "write": [str(what.target.resolve())],
        "code": [str(real.parent.parent / "lib"), str(real)],
        "address_bytes": _ADDRESS_BYTES,
        "cpu_s": int(what.within_s) * (os.cpu_count() or 1),
        "file_bytes": 4 * what.source.stat().st_size + (1 << 30),
    }
    launcher = Path(__file__).with_name("isolated") / "launch.py"
    return [sys.executable, "-I", "-S", str(launcher), json.dumps(walls)]


def _failed(said: str) -> ExportError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return ExportError(
        f"ffmpeg could not cut the clip: {'; '.join(lines[-2:]) or 'it gave no reason'}",
        code="ffmpeg_failed",
        next_step="Check free space, the video itself, and ffmpeg (5.1 or newer, libx264, aac).",
    )
