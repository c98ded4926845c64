"""The program in a shell: closed pipes, full disks, terminals, interruptions. Real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

VIDQA = [sys.executable, "-m", "vidqa"]
ERASE_LINE_ABOVE = b"\x1b[1A\x1b[2K"
RUN_MAIN_WITH = """
import sys
from unittest import mock
from vidqa.cli import main
def fail(**_): raise {error}
with mock.patch.object(main, "app", fail):
    main.main()
"""


def test_a_reader_that_leaves_is_no_error_and_not_a_no(clip: Path) -> None:
    receiving, sending = os.pipe()
    os.close(receiving)
    done = subprocess.run(
        [*VIDQA, "probe", str(clip)], stdout=sending, stderr=subprocess.PIPE, check=False
    )
    os.close(sending)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_error_with_exit_code_two(clip: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*VIDQA, "probe", str(clip)], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"vidqa: stdout cannot be written: No space left")
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_closed_stderr_changes_nothing_on_stdout(clip: Path) -> None:
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *VIDQA, "plan", str(clip)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout[:6]) == (0, b"window")


@pytest.mark.parametrize(("error", "code"), [("KeyboardInterrupt", 130), ("KeyError('x')", 2)])
def test_neither_an_interruption_nor_a_bug_reads_as_not_found(error: str, code: int) -> None:
    program = RUN_MAIN_WITH.format(error=error)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (code, b"")


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_on_a_terminal_no_bar_erases_lines_of_the_answer(clip: Path, tiny_folder: Path) -> None:
    shown = on_a_terminal([*VIDQA, "ground", str(clip), "q", "-m", str(tiny_folder)])
    assert ERASE_LINE_ABOVE in shown
    assert shown.rindex(ERASE_LINE_ABOVE) < shown.index(b'"q"')


def on_a_terminal(command: list[str]) -> bytes:
    import pty  # not on Windows

    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=_terminal())
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    process.wait()
    return shown


def _terminal() -> dict[str, str]:
    return {**os.environ, "TERM": "xterm"}
