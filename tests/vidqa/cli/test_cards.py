"""``vidqa models``: the built-in model shows what was measured of it, families what they are."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vidqa.cli.cards import count_parameters, figure_rows
from vidqa.cli.main import app
from vidqa.errors import ModelError
from vidqa.profiles import PROFILES

FAMILIES = [name for name in PROFILES if name != "nano"]


def test_the_built_in_model_comes_first_and_every_family_follows() -> None:
    done = CliRunner().invoke(app, ["models", "--json"])
    cards = json.loads(done.stdout)["models"]
    assert [card["name"] for card in cards] == ["nano", *FAMILIES]
    assert cards[0]["parameters"] == 2_443_680
    assert cards[0]["figures"]["through files"]["mIoU"]["value"] >= 0.5


def test_the_table_shows_what_was_measured() -> None:
    done = CliRunner().invoke(app, ["models"])
    assert (done.exit_code, "nano, measured:" in done.stdout) == (0, True)
    assert "mIoU 0." in done.stdout


def test_figures_become_one_row_a_group() -> None:
    card = {"figures": {"clips": 9, "a": {"x": {"value": 0.5}, "y": {"value": 1.0}}}}
    assert figure_rows(card) == [("a", "x 0.50, y 1.00")]


def test_a_file_without_a_header_is_a_model_error(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 10) + b"not json at all")
    with pytest.raises(ModelError) as caught:
        count_parameters(path)
    assert caught.value.code == "model_damaged"
