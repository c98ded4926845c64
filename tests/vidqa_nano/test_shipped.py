"""The shipped checkpoint and the shipped examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vidqa
from qwen25vl import load_model
from vidqa_nano import weights_folder
from vidqa_nano.example import SUITS, example_story, truth
from vidqa_nano.scores import overlap

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_checkpoint_is_small_and_names_its_profile() -> None:
    size = sum(path.stat().st_size for path in weights_folder().iterdir())
    assert size < 25_000_000
    config = json.loads((weights_folder() / "config.json").read_text(encoding="utf-8"))
    assert config["vidqa_profile"] == "nano"
    assert sum(p.numel() for p in load_model(weights_folder()).parameters()) < 3_000_000


@pytest.mark.parametrize("name", list(SUITS))
def test_an_example_is_the_story_that_its_truth_describes(name: str) -> None:
    written = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert written == truth(example_story(name))


@pytest.mark.parametrize(
    ("name", "query", "phrase"),
    [
        ("door", "person opens door", "person in blue opens door"),
        ("door", "Someone opens the door.", "person in blue opens door"),
        ("car", "blue car drives left", "blue car drives left"),
        ("count", "cat walks right", "cat walks right"),
    ],
)
def test_an_example_is_answered(name: str, query: str, phrase: str) -> None:
    result = vidqa.open(model="nano").ground(EXAMPLES / f"{name}.mp4", query)
    events = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))["events"]
    happens = [(event["start"], event["end"]) for event in events if event["phrase"] == phrase]
    found = [(segment.span.start_s, segment.span.end_s) for segment in result.segments]
    assert overlap(happens, found) >= 0.5


def test_what_does_not_happen_in_the_example_is_not_found() -> None:
    result = vidqa.open(model="nano").ground(EXAMPLES / "door.mp4", "it snows")
    assert result.outcome == "not_found"
