"""Saved folders: shards and index as transformers writes them, and no half a folder that loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from qwen25vl import CheckpointError, load_model, save_model
from qwen25vl.saving import shard_layout

INDEX = "model.safetensors.index.json"


def same(ours, theirs) -> bool:
    pairs = zip(ours.named_parameters(), theirs.named_parameters(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_tensors_fill_shards_in_order_and_a_large_one_stands_alone():
    sizes = {"a": 4, "b": 4, "c": 30, "d": 2, "e": 8}
    assert shard_layout(sizes, 10) == {
        "model-00001-of-00003.safetensors": ["a", "b"],
        "model-00002-of-00003.safetensors": ["c"],
        "model-00003-of-00003.safetensors": ["d", "e"],
    }
    assert shard_layout(sizes, None) == {"model.safetensors": list("abcde")}


def test_a_shard_of_no_bytes_is_refused():
    with pytest.raises(ValueError, match="shard_bytes is 0"):
        shard_layout({"a": 1}, 0)


def test_shards_and_index_load_as_what_was_saved(tmp_path, make_config, make_model):
    model = make_model(make_config())
    save_model(model, tmp_path, stop_ids=[3], shard_bytes=100_000)
    index = json.loads((tmp_path / INDEX).read_text())
    files = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(files) > 2
    assert files[0] == f"model-00001-of-{len(files):05d}.safetensors"
    assert index["metadata"]["total_size"] == sum(p.nbytes for p in model.parameters())
    held = {name: file for file in files for name in load_file(tmp_path / file)}
    assert index["weight_map"] == held
    assert same(load_model(tmp_path), model)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("shard_bytes", [None, 100_000])
def test_transformers_loads_what_is_saved(
    tmp_path, make_config, make_model, reference, tied, shard_bytes
):
    model = make_model(make_config(tied=tied))
    save_model(model, tmp_path, stop_ids=[3], shard_bytes=shard_bytes)
    theirs = reference(tmp_path)
    table = theirs.get_input_embeddings().weight
    assert torch.equal(table, model.text.embed_tokens.weight)
    assert torch.equal(theirs.lm_head.weight, model.lm_head.weight)
    count = sum(p.numel() for p in theirs.parameters())
    assert count == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("shard_size", ["1GB", "100KB"])
def test_what_transformers_saves_is_loaded(
    tmp_path, make_config, make_model, reference, tied, shard_size
):
    model = make_model(make_config(tied=tied))
    save_model(model, tmp_path / "ours", stop_ids=[3])
    reference(tmp_path / "ours").save_pretrained(tmp_path / "theirs", max_shard_size=shard_size)
    loaded = load_model(tmp_path / "theirs")
    assert same(loaded, model)
    assert loaded.config.tie_word_embeddings == tied


def test_saving_again_leaves_no_earlier_shard_behind(tmp_path, make_config, make_model):
    save_model(make_model(make_config(), 1), tmp_path, stop_ids=[3], shard_bytes=100_000)
    second = make_model(make_config(), 2)
    save_model(second, tmp_path, stop_ids=[3])
    assert [path.name for path in tmp_path.glob("*.safetensors*")] == ["model.safetensors"]
    assert same(load_model(tmp_path), second)


@pytest.mark.parametrize("written", range(5))
def test_a_save_that_was_cut_short_does_not_load(
    tmp_path, make_config, make_model, monkeypatch, written
):
    """Cut before each of the renames that make a file visible, over an earlier save."""
    save_model(make_model(make_config(), 1), tmp_path, stop_ids=[3])
    rename, done = Path.replace, []

    def cut(source: Path, target: Path) -> Path:
        if len(done) == written:
            raise KeyboardInterrupt
        done.append(target)
        return rename(source, target)

    monkeypatch.setattr(Path, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        save_model(make_model(make_config(), 2), tmp_path, stop_ids=[3], shard_bytes=300_000)
    with pytest.raises(CheckpointError, match=r"config\.json: no such file"):
        load_model(tmp_path)
