"""A model's name leads to a folder, and a folder that cannot be a checkpoint says why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vidqa.checkpoints import find_checkpoint
from vidqa.errors import ModelError


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "my-model"))


def test_a_folder_is_a_checkpoint_under_its_own_name(folder: Path) -> None:
    checkpoint = find_checkpoint(str(folder))
    assert (checkpoint.name, checkpoint.profile.name, checkpoint.grid.block) == (
        "my-model",
        "base",
        28,
    )


@pytest.mark.parametrize("part", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_part_is_named(folder: Path, part: str) -> None:
    (folder / part).unlink()
    with pytest.raises(ModelError, match=part.replace("model.", r"\*.")) as caught:
        find_checkpoint(str(folder))
    assert caught.value.code == "model_incomplete"


@pytest.mark.parametrize("text", ["{", "[1]", '"config"'])
def test_a_configuration_that_is_no_object_is_an_error(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError) as caught:
        find_checkpoint(str(folder))
    assert caught.value.code == "model_config_unreadable"


@pytest.mark.parametrize("name", ["nanoo", "./nowhere", "a/b/c", ""])
def test_a_name_that_means_nothing_says_what_names_mean(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        find_checkpoint(name)
    assert caught.value.code == "model_unknown"


def test_the_digest_follows_what_ends_a_reply(folder: Path) -> None:
    before = find_checkpoint(str(folder)).digest()
    (folder / "generation_config.json").write_text('{"eos_token_id": [5]}')
    assert find_checkpoint(str(folder)).digest() != before


def test_the_digest_follows_the_bytes_and_not_the_name(folder: Path, tmp_path: Path) -> None:
    before = find_checkpoint(str(folder)).digest()
    moved = Path(shutil.copytree(folder, tmp_path / "other-name"))
    assert find_checkpoint(str(moved)).digest() == before
    weights = moved / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert find_checkpoint(str(moved)).digest() != before
