"""``vidqa ask`` says how its answer is spoken, and prints it once, at the end or word by word."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from qwen25vl import Sampling
from tests.scripted_engine import ScriptedEngine, context_saying
from tests.vidqa.cli.test_streams import ERASE_LINE_ABOVE, VIDQA, on_a_terminal
from vidqa.cli.main import app
from vidqa.cli.manner import Voice, answer_so_far
from vidqa.cli.progress import Progress
from vidqa.session import Session


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    """The engine the command gets; no checkpoint is loaded."""
    ctx, scripted = context_saying("Red.")

    def open_scripted(*, progress: Progress, **_: object) -> Session:
        return Session(ctx)

    with mock.patch("vidqa.session.open_session", open_scripted):
        yield scripted


def ask(clip: Path, *args: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["ask", str(clip), "Which colour?", *args])
    return done.exit_code, done.stdout, done.stderr


def test_every_option_reaches_the_model(engine: ScriptedEngine, clip: Path) -> None:
    options = "--system S --temperature 0.5 --top-p 0.9 --top-k 40 --seed 7 --max-tokens 20"
    code, _, _ = ask(clip, *options.split(), "--stop", "X", "--stop", "Y")
    assert code == 0
    drawn = Sampling(temperature=0.5, top_p=0.9, top_k=40, seed=7)
    assert engine.told == [{"sampling": drawn, "stop": ("X", "Y"), "limit": 20, "system": "S"}]


def test_without_options_the_profile_decides(engine: ScriptedEngine, clip: Path) -> None:
    ask(clip)
    system = "You are a helpful assistant."
    assert engine.told == [{"sampling": Sampling(), "stop": (), "limit": 256, "system": system}]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--top-p", "0"], "sampling_impossible"),
        (["--stop", ""], "stop_empty"),
        (["--stream", "--json"], "stream_without_words"),
        (["--stream", "-f", "srt,txt"], "stream_without_words"),
    ],
)
def test_what_makes_no_sense_is_told_before_a_model_is_loaded(
    clip: Path, args: list[str], code: str
) -> None:
    with mock.patch("vidqa.session.open_session") as load:
        exit_code, stdout, stderr = ask(clip, *args)
    assert (exit_code, stdout, load.called) == (2, "", False)
    assert code in stderr


@pytest.mark.parametrize("reply", ["Red.", "Red, in 1.0 - 2.5 seconds.", "Red\nand blue."])
def test_words_that_came_one_by_one_are_not_said_again(
    engine: ScriptedEngine, clip: Path, reply: str
) -> None:
    engine.text = reply
    _, stdout, _ = ask(clip, "--stream")
    assert stdout.startswith(f"{reply}\n")
    assert stdout.count("Red") == 1
    assert "looked at 00:00:00.000" in stdout
    assert ("00:00:02.500" in stdout) == ("2.5" in reply)


def test_thinking_is_not_spoken_and_an_answer_that_cannot_be_read_still_is_told(
    engine: ScriptedEngine, clip: Path
) -> None:
    engine.text = "<think>Blue? At 3 s.</think><answer>Red</answer>"
    assert ask(clip, "--stream")[1].startswith("Red\n")
    engine.text = "<glue>?</glue>"
    streamed, whole = (ask(clip, how)[1] for how in ("--stream", "--no-stream"))
    assert _untimed(streamed) == _untimed(whole)


def _untimed(stdout: str) -> str:
    """Without the seconds a run took: they are never twice the same."""
    return re.sub(r"\d+\.\d s, model", "model", stdout)


def test_ground_has_none_of_these_options() -> None:
    helps = [CliRunner().invoke(app, [verb, "--help"]).stdout for verb in ("ask", "ground")]
    assert ["--temperature" in text for text in helps] == [True, False]


EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "door.mp4"
TAGS = ("<think>", "</think>", "<answer>", "</answer>", "<", "/", "Red", " and ", "\n", "4")


@given(pieces=st.lists(st.sampled_from(TAGS), max_size=12))
def test_what_a_voice_calls_said_is_the_answer_and_nothing_else(pieces: list[str]) -> None:
    printed: list[str] = []

    def keep(text: str, *, newline: bool = True) -> None:
        printed.append(text + "\n" * newline)

    with mock.patch("vidqa.cli.manner.show", keep):
        voice = Voice(before=printed.clear)
        for piece in pieces:
            voice.hear(piece)
        if voice.end():
            assert "".join(printed) == answer_so_far("".join(pieces)) + "\n"


def test_an_answer_that_a_tag_puts_elsewhere_is_printed_whole(
    engine: ScriptedEngine, clip: Path
) -> None:
    engine.text = "Sure. <answer>Red</answer>"
    stdout = ask(clip, "--stream")[1]
    assert stdout.startswith("Sure.\nRed\nlooked at")


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_on_a_terminal_words_come_by_themselves_and_no_bar_erases_them() -> None:
    command = [*VIDQA, "ask", str(EXAMPLE), "What colour is the car?"]
    plain = subprocess.run([*command, "--no-stream"], capture_output=True, check=False).stdout
    words = plain.splitlines()[0]
    shown = on_a_terminal(command)
    assert shown.rindex(ERASE_LINE_ABOVE) < shown.index(words)
    assert shown.count(words) == 1
