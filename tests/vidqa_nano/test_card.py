"""What is measured of nano becomes its card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from qwen25vl import load_model
from vidqa.cli.cards import model_cards
from vidqa_nano import weights_folder
from vidqa_nano.card import write_card
from vidqa_nano.phrases import KINDS
from vidqa_nano.publish import publish
from vidqa_nano.rows import Row
from vidqa_nano.scores import Figure

NOTHING = Figure(float("nan"), float("nan"), float("nan"), 0)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return Path(shutil.copytree(weights_folder(), tmp_path / "nano"))


def test_the_card_holds_the_rows_that_were_asked_and_reads_back(weights: Path) -> None:
    figure = Figure(0.12345, 0.1, 0.2, 30)
    rows = [
        Row("  colour", figure, "", {"guess": 0.25, "none": float("nan")}),
        Row("b", NOTHING, ""),
    ]
    write_card(weights, rows)
    (card, *_) = model_cards(str(weights))
    told = card["figures"]
    assert told["made_for"] == card["digest"]
    assert told["rows"] == [
        {
            "name": "colour",
            "value": 0.123,
            "low": 0.1,
            "high": 0.2,
            "count": 30,
            "goal": "",
            "beside": {"guess": 0.25},
        }
    ]


def test_the_card_says_in_words_what_nano_does_not_know(weights: Path) -> None:
    told = json.loads(write_card(weights, []).read_text(encoding="utf-8"))
    assert told["outside"].startswith("It understands nothing outside that world.")
    actors = {kind.actor for kind in KINDS} - {"weather", "daylight", "number"}
    world = told["world"].replace("people", "person").replace("boxes", "box")
    assert [name for name in sorted(actors) if name not in world] == []


def test_new_weights_do_not_keep_what_was_found_out_about_the_old(weights: Path) -> None:
    (weights / "familiar.json").write_text("{}")
    tokenizer = Tokenizer.from_file(str(weights / "tokenizer.json"))
    publish(load_model(weights), tokenizer, weights)
    names = {path.name for path in weights.iterdir()}
    assert not names & {"familiar.json", "figures.json"}
    assert "model.safetensors" in names
