"""Held to its format, a model that keeps to it anyway says the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import vidqa
from vidqa.cli.main import app

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(
    "query", ["person opens door", "fan spins", "Someone opens the door.", "it snows"]
)
def test_the_built_in_model_answers_the_example_as_it_does_when_free(query: str) -> None:
    session = vidqa.open(model="nano", device="cpu")
    free = session.ground(EXAMPLES / "door.mp4", query)
    held = session.ground(EXAMPLES / "door.mp4", query, strict=True)
    assert held.provenance.reply == free.provenance.reply
    assert (held.outcome, held.segments) == (free.outcome, free.segments)


def test_the_command_has_the_same_answer_with_the_option() -> None:
    args = [
        "ground",
        str(EXAMPLES / "door.mp4"),
        "person opens door",
        "--json",
        "--progress",
        "none",
    ]
    free, held = (CliRunner().invoke(app, [*args, *more]) for more in ([], ["--strict"]))
    assert (free.exit_code, held.exit_code) == (0, 0)
    assert json.loads(held.stdout)["segments"] == json.loads(free.stdout)["segments"]
