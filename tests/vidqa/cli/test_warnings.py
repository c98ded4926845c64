"""What a checkpoint wants said of its answers is said once on stderr, and of no other answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.scripted_engine import ScriptedEngine, context_saying
from vidqa.cli.main import app
from vidqa.cli.progress import Progress
from vidqa.profiles import BASE
from vidqa.session import Session

FOOTAGE = "This footage does not look like what scripted was made for; its answer means little."


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    """The engine of every session, whose profile has a notice; no checkpoint is loaded."""
    ctx, scripted = context_saying("The given query happens in 2.0 - 3.5 seconds.")
    scripted.profile = replace(BASE, notice="Name another.")

    def open_scripted(*, progress: Progress, **_: object) -> Session:
        return Session(replace(ctx, progress=progress))

    with mock.patch("vidqa.session.open_session", open_scripted):
        yield scripted


def notes(*args: str) -> list[str]:
    """The sentences on stderr that are not about a stage."""
    done = CliRunner().invoke(app, [*args, "--progress", "none"])
    return done.stderr.splitlines()


def test_a_checkpoint_that_cannot_tell_is_announced_every_time(
    engine: ScriptedEngine, clip: Path
) -> None:
    assert notes("ground", str(clip), "q") == ["vidqa: Name another."]


def test_familiar_footage_is_answered_without_a_word(engine: ScriptedEngine, clip: Path) -> None:
    engine.familiar, engine.knows = object(), True
    assert notes("ground", str(clip), "q") == []


@pytest.mark.parametrize("verb", ["ground", "ask"])
def test_unfamiliar_footage_is_told_once_with_what_to_do(
    engine: ScriptedEngine, clip: Path, verb: str
) -> None:
    engine.familiar, engine.knows = object(), False
    assert notes(verb, str(clip), "q") == [f"vidqa: {FOOTAGE} Name another."]


def test_a_picture_is_called_a_picture(engine: ScriptedEngine, tmp_path: Path) -> None:
    engine.familiar, engine.knows = object(), False
    Image.new("RGB", (64, 64)).save(tmp_path / "still.png")
    assert notes("ask", str(tmp_path / "still.png"), "q") == [
        f"vidqa: {FOOTAGE} Name another.".replace("footage", "picture")
    ]


def test_the_table_is_marked_too(engine: ScriptedEngine, clip: Path) -> None:
    engine.knows = False
    done = CliRunner().invoke(app, ["ground", str(clip), "q"])
    assert done.stdout.splitlines()[-1] == f"note: {FOOTAGE}"
