"""Every command and every line of Python in the README does what the README says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(marker: str) -> str:
    """The text of the fenced block between ``<!-- marker -->`` and ``<!-- end -->``."""
    found = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)```\n<!-- end -->", README, re.DOTALL)
    assert found, f"README.md has no block {marker!r}"
    return found[1]


COMMANDS = block("commands").splitlines()


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder that looks like a clone to the commands, and may be written to."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "docs").mkdir()
    return tmp_path


def run(args: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """``vidqa`` and ``python`` of this environment, from another folder."""
    paths = [str(ROOT), str(ROOT / "model"), str(ROOT / "workers")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(cwd)}
    return subprocess.run(
        args, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def vidqa(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    assert words[0] == "vidqa"
    return run([sys.executable, "-m", "vidqa", *words[1:]], cwd)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_works_as_written(command: str, workplace: Path) -> None:
    if "--clip" in command and shutil.which("ffmpeg") is None:
        pytest.skip("needs the ffmpeg program")
    done = vidqa(command, workplace)
    assert done.returncode == 0, done.stderr
    folder = re.search(r" -o (\S+)", command)
    assert any((workplace / folder[1]).iterdir()) if folder else done.stdout


def test_the_answer_shown_is_the_answer_given(workplace: Path) -> None:
    shown = re.search(r"```console\n\$ (vidqa ground [^\n]*)\n(.*?)```", README, re.DOTALL)
    assert shown
    done = vidqa(shown[1], workplace)
    assert done.returncode == 0, done.stderr
    rows = [line for line in shown[2].splitlines() if not line.startswith("looked at")]
    assert [line for line in done.stdout.splitlines() if not line.startswith("looked at")] == rows


def test_the_python_works_as_written(workplace: Path) -> None:
    done = run([sys.executable, "-c", block("python")], workplace)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+\.\d to \d+\.\d s, precise to", done.stdout)


def test_the_first_command_ends_in_a_question_that_is_answered(workplace: Path) -> None:
    install, question = block("first command").strip().rsplit(" && ", 1)
    assert "pip install" in install
    done = vidqa(question.replace(".venv/bin/", ""), workplace)
    assert (done.returncode, "happens" in done.stdout) == (0, True)


def test_every_subcommand_is_in_the_table() -> None:
    from vidqa.cli.main import app

    for command in app.registered_commands:
        assert f"`vidqa {command.name}" in README


def test_the_archive_commands_work_in_order(workplace: Path) -> None:
    (workplace / "hits").mkdir()
    for command in block("archive commands").splitlines():
        done = vidqa(command, workplace)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_commands_of_the_service_work_as_written(workplace: Path) -> None:
    codes = [
        vidqa(command, workplace).returncode
        for command in block("service commands").split("\n")[:-1]
    ]
    assert codes == [0, 0, 1]  # no job waits yet
