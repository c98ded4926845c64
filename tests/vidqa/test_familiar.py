"""What footage a checkpoint knows: a description, a distance, and a file that is what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from vidqa.checkpoints import find_checkpoint
from vidqa.engine import open_engine
from vidqa.errors import ModelError
from vidqa.familiar import FAMILIAR_FILE, Familiar, read_familiar, row_features


def unit(width: int = 2, made_for: str = "sha256:ab", limit: float = 2.0) -> Familiar:
    """Rows around 0 with deviation 2 along the first axis and 1 along the others."""
    f = width + 1
    return Familiar(
        made_for=made_for,
        clips=3,
        held_out=1,
        share=0.995,
        limit=limit,
        mean=np.zeros(f),
        scale=np.ones(f),
        directions=np.eye(1, f),
        variances=np.array([4.0]),
        rest=1.0,
    )


def rows_at(*firsts: float) -> np.ndarray:
    """Rows of two tokens whose mean is (first, 0) and whose spread is 1: log spread is 0."""
    return np.array([[[x, 1.0], [x, -1.0]] for x in firsts]) * 1.0 + np.array(
        [[[1.0, 0.0], [-1.0, 0.0]]]
    )


def test_a_row_is_its_mean_token_and_the_logarithm_of_its_spread() -> None:
    assert row_features(rows_at(6.0)) == pytest.approx(np.array([[6.0, 0.0, 0.0]]), abs=2e-6)


def test_the_distance_is_in_deviations_over_the_root_of_their_number() -> None:
    assert unit().distance(rows_at(6.0)) == pytest.approx(3 / 3**0.5, abs=1e-5)


def test_the_median_row_decides_so_one_strange_row_does_not() -> None:
    assert unit().distance(rows_at(0, 0, 900.0)) == pytest.approx(0.0, abs=1e-5)
    assert unit().covers(rows_at(0, 0, 900.0))
    assert not unit().covers(rows_at(0, 900.0, 900.0))


def test_an_empty_picture_is_far_although_its_mean_is_the_usual_one() -> None:
    assert not unit().covers(np.zeros((4, 4, 2)))


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    (tmp_path / FAMILIAR_FILE).write_text(unit().to_json())
    found = read_familiar(tmp_path, "sha256:ab")
    assert found is not None
    assert found.to_json() == unit().to_json()


def test_a_folder_without_the_file_does_not_tell(tmp_path: Path) -> None:
    assert read_familiar(tmp_path, "sha256:ab") is None


@pytest.mark.parametrize(
    "change",
    [
        {"mean": [0.0]},
        {"mean": "x"},
        {"rest": 0.0},
        {"variances": [-1.0]},
        {"limit": float("nan")},
        {"directions": [0.0]},
        {"more": 1},
    ],
)
def test_numbers_that_do_not_fit_together_are_a_model_error(
    tmp_path: Path, change: dict[str, object]
) -> None:
    text = json.dumps({**json.loads(unit().to_json()), **change})
    (tmp_path / FAMILIAR_FILE).write_text(text)
    with pytest.raises(ModelError) as caught:
        read_familiar(tmp_path, "sha256:ab")
    assert caught.value.code == "familiar_unusable"


@pytest.mark.parametrize("text", ["", "[]", "{}", "\xff"])
def test_a_file_that_is_no_description_is_a_model_error(tmp_path: Path, text: str) -> None:
    (tmp_path / FAMILIAR_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=FAMILIAR_FILE):
        read_familiar(tmp_path, "sha256:ab")


def test_a_description_of_other_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / FAMILIAR_FILE).write_text(unit().to_json())
    with pytest.raises(ModelError, match="made for sha256:ab, and these weights are sha256:cd"):
        read_familiar(tmp_path, "sha256:cd")


def test_tokens_of_another_width_are_refused() -> None:
    with pytest.raises(ModelError, match="describes 2 numbers a token"):
        unit().covers(np.zeros((1, 4, 3)))


@pytest.mark.parametrize(("limit", "familiar"), [(1e6, True), (1e-6, False)])
def test_any_checkpoint_may_carry_the_file(
    tiny_folder: Path, tmp_path: Path, limit: float, familiar: bool
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "tiny"))
    digest = find_checkpoint(str(folder)).digest()
    (folder / FAMILIAR_FILE).write_text(unit(32, digest, limit).to_json())
    engine = open_engine(find_checkpoint(str(folder)), device="cpu")
    watched = engine.watch(np.full((4, 56, 56, 3), 9, np.uint8), (0.0, 1.0))
    assert engine.is_familiar(watched) is familiar
    assert find_checkpoint(str(folder)).digest() == digest


def test_a_checkpoint_without_the_file_says_nothing(tiny_folder: Path) -> None:
    engine = open_engine(find_checkpoint(str(tiny_folder)), device="cpu")
    watched = engine.watch(np.zeros((4, 56, 56, 3), np.uint8), (0.0, 1.0))
    assert engine.is_familiar(watched) is None
