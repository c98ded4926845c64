"""``vidqa models``: a checkpoint shows what was measured of it, families what they are."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from vidqa.checkpoints import find_checkpoint
from vidqa.cli.card_text import card_lines
from vidqa.cli.cards import count_parameters, model_cards
from vidqa.cli.main import app
from vidqa.errors import ModelError
from vidqa.profiles import PROFILES

FAMILIES = [name for name in PROFILES if name != "nano"]
ROW = {
    "name": "one event: mIoU",
    "value": 0.731,
    "low": 0.7,
    "high": 0.756,
    "count": 200,
    "goal": ">= 0.75",
    "beside": {"whole video": 0.2, "best window": 0.244},
}
TOLD = {"made_for": "sha256:ab", "world": "Cats.", "outside": "No dogs.", "rows": [ROW]}


def card(**told: Any) -> dict[str, Any]:
    """A card of a checkpoint of digest ``sha256:ab``."""
    about = {"name": "m", "kind": "checkpoint", "about": "a model"}
    return {**about, "parameters": 2_400_000, "megabytes": 9.8, "digest": "sha256:ab", **told}


def family(about: str = "others") -> dict[str, Any]:
    return {"name": "base", "about": about}


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "mine"))


def test_the_built_in_model_comes_first_and_every_family_follows() -> None:
    done = CliRunner().invoke(app, ["models", "--json"])
    cards = json.loads(done.stdout)["models"]
    assert [card["name"] for card in cards] == ["nano", *FAMILIES]
    assert cards[0]["parameters"] == 2_474_400
    assert all(row["low"] <= row["value"] <= row["high"] for row in cards[0]["figures"]["rows"])


def test_the_shipped_figures_are_those_of_the_shipped_weights() -> None:
    (card, *_) = model_cards()
    assert card["figures"]["made_for"] == card["digest"]


def test_the_table_says_what_it_is_its_world_and_what_it_does_not_know_in_80_columns() -> None:
    done = CliRunner().invoke(app, ["models"])
    lines = done.stdout.splitlines()
    assert (done.exit_code, lines[0]) == (0, "nano (built in)")
    assert max(map(len, lines)) <= 80
    for part in ("  what it is  ", "  its world   ", "  outside it  ", "measured:"):
        assert part in done.stdout
    assert "It understands nothing outside that world." in done.stdout


def test_a_card_reads_as_it_was_written() -> None:
    assert card_lines([card(figures=TOLD), family()]) == [
        "m (checkpoint)",
        "  what it is  a model",
        "  size        2.4 M parameters, 9.8 MB",
        "  its world   Cats.",
        "  outside it  No dogs.",
        "",
        "measured:",
        "                   figure  95 %          to reach  blind",
        "  one event: mIoU  0.73    0.70 to 0.76  >= 0.75   0.24",
        "  blind: the best of the answers that look at nothing",
        "",
        "families, whose checkpoints --model takes by OWNER/NAME or as a folder:",
        "  base  others",
    ]


def test_a_row_without_goal_and_comparison_has_no_columns_for_them() -> None:
    row = {**ROW, "goal": "", "beside": {}}
    lines = card_lines([card(figures={**TOLD, "rows": [row]}), family()])
    assert lines[7:9] == [
        "                   figure  95 %",
        "  one event: mIoU  0.73    0.70 to 0.76",
    ]


def test_a_long_name_goes_on_below_and_further_in() -> None:
    row = {**ROW, "name": "absent (first word): false alarms at 90 % recall"}
    lines = card_lines([card(figures={**TOLD, "rows": [row]}), family()])
    assert lines[8:10] == [
        "  absent (first word): false  0.73    0.70 to 0.76  >= 0.75   0.24",
        "    alarms at 90 % recall",
    ]


def test_figures_of_other_weights_are_called_that() -> None:
    lines = card_lines([card(figures={**TOLD, "made_for": "sha256:cd"}), family()])
    assert "measured (of other weights than these):" in lines


def test_a_checkpoint_without_figures_shows_what_it_is() -> None:
    assert card_lines([card(figures={}), family()])[:4] == [
        "m (checkpoint)",
        "  what it is  a model",
        "  size        2.4 M parameters, 9.8 MB",
        "",
    ]


def test_no_card_commands_a_terminal_or_is_wider_than_it() -> None:
    told = {**TOLD, "world": "a\x1b[31m\nb " * 40, "rows": [{**ROW, "name": "word " * 30}]}
    lines = card_lines([card(figures=told), family("far " * 60)])
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)


def test_any_checkpoint_may_carry_a_card(folder: Path) -> None:
    digest = find_checkpoint(str(folder)).digest()
    (folder / "figures.json").write_text(json.dumps({**TOLD, "made_for": digest}))
    done = CliRunner().invoke(app, ["models", "--model", str(folder)])
    assert done.stdout.splitlines()[0] == "mine (checkpoint)"
    assert "  its world   Cats." in done.stdout


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"rows": [{}]}', '{"rows": [3]}'])
def test_a_card_that_cannot_be_read_is_a_model_error(folder: Path, text: str) -> None:
    (folder / "figures.json").write_text(text)
    with pytest.raises(ModelError) as caught:
        model_cards(str(folder))
    assert caught.value.code == "model_card_unreadable"


def test_a_file_without_a_header_is_a_model_error(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 10) + b"not json at all")
    with pytest.raises(ModelError) as caught:
        count_parameters(path)
    assert caught.value.code == "model_damaged"


@pytest.mark.parametrize(
    "header",
    ["[1, 2]", "7", '{"a": 1}', '{"a": {"shape": ["x"]}}', '{"a": {"shape": 3}}', '{"a":' * 5000],
)
def test_a_header_of_another_make_is_told(tmp_path: Path, header: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode())
    with pytest.raises(ModelError, match=r"model\.safetensors") as caught:
        count_parameters(path)
    assert caught.value.code == "model_damaged"


def test_a_file_of_weights_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        count_parameters(tmp_path / "model.safetensors")
