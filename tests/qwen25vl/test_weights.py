"""Checkpoint folders: what is written is read back, what does not fit is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from qwen25vl import CheckpointError, Qwen25VL, load_model, load_stop_ids, save_model

PATCH = "visual.patch_embed.proj.weight"


@pytest.fixture
def saved(tmp_path, make_config, make_model) -> tuple[Path, Qwen25VL]:
    model = make_model(make_config())
    save_model(model, tmp_path, stop_ids=[3, 4])
    return tmp_path, model


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    path = folder / "model.safetensors"
    tensors = change({name: tensor.clone() for name, tensor in load_file(path).items()})
    save_file(tensors, path)


def edit_config(folder: Path, **changes: object) -> None:
    raw = json.loads((folder / "config.json").read_text())
    raw.update(changes)
    (folder / "config.json").write_text(json.dumps(raw))


def same(ours: Qwen25VL, theirs: Qwen25VL) -> bool:
    pairs = zip(ours.named_parameters(), theirs.named_parameters(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_what_is_saved_is_loaded(saved):
    folder, model = saved
    loaded = load_model(folder)
    assert same(loaded, model)
    assert not loaded.training
    assert load_stop_ids(folder) == (3, 4)


def test_files_carry_official_names_and_shapes(saved):
    folder, model = saved
    tensors = load_file(folder / "model.safetensors")
    assert tensors[PATCH].shape == (32, 3, 2, 14, 14)
    assert "model.embed_tokens.weight" in tensors
    assert "visual.merger.mlp.2.bias" in tensors
    assert len(tensors) == len(dict(model.named_parameters()))


def test_a_tied_output_layer_is_stored_once_and_shared_again(tmp_path, make_config, make_model):
    save_model(make_model(make_config(tied=True)), tmp_path, stop_ids=[3])
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path)
    assert loaded.lm_head.weight is loaded.text.embed_tokens.weight


def test_newer_names_and_merged_adapters_load_too(saved):
    folder, model = saved

    def newer(name: str) -> str:
        if name.startswith("visual."):
            return f"model.{name}"
        return name.replace("model.", "model.language_model.", 1)

    rewrite(folder, lambda t: {newer(name): value for name, value in t.items()})
    assert same(load_model(folder), model)
    rewrite(folder, lambda t: {f"base_model.model.{name}": value for name, value in t.items()})
    assert same(load_model(folder), model)


def test_shards_load_as_one(saved):
    folder, model = saved
    split_in_two(folder)
    assert same(load_model(folder), model)


def test_an_absent_shard_is_named(saved):
    folder, _ = saved
    split_in_two(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match="model-00002-of-00002"):
        load_model(folder)


def test_an_index_cannot_reach_out_of_its_folder(saved):
    folder, _ = saved
    index = {"weight_map": {"lm_head.weight": "../model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="not a safetensors file of this folder"):
        load_model(folder)


def test_a_missing_tensor_is_named(saved):
    folder, _ = saved
    rewrite(folder, lambda t: {n: v for n, v in t.items() if n != "model.norm.weight"})
    with pytest.raises(CheckpointError, match=r"missing: 1 tensors \(model\.norm\.weight\)"):
        load_model(folder)


def test_a_tensor_left_over_is_named(saved):
    folder, _ = saved
    rewrite(folder, lambda t: {**t, "model.layers.3.mlp.up_proj.weight": torch.zeros(2)})
    with pytest.raises(
        CheckpointError, match=r"left over: 1 tensors \(model\.layers\.3\.mlp\.up_proj"
    ):
        load_model(folder)


def test_a_misshapen_tensor_is_named(saved):
    folder, _ = saved
    rewrite(folder, lambda t: {**t, PATCH: t[PATCH].flatten(1)})
    with pytest.raises(CheckpointError, match=r"patch_embed\.proj\.weight is \(32, 1176\)"):
        load_model(folder)


def test_the_same_tensor_under_two_names_is_refused(saved):
    folder, _ = saved
    rewrite(
        folder, lambda t: {**t, "model.language_model.norm.weight": t["model.norm.weight"].clone()}
    )
    with pytest.raises(CheckpointError, match="twice"):
        load_model(folder)


def test_an_untied_checkpoint_without_output_layer_is_refused(saved):
    folder, _ = saved
    rewrite(folder, without_head)
    with pytest.raises(CheckpointError, match=r"lm_head\.weight"):
        load_model(folder)


def test_where_the_config_contradicts_itself_the_tensors_decide(saved):
    folder, model = saved
    text = {"tie_word_embeddings": True}
    edit_config(folder, tie_word_embeddings=False, text_config=text)
    assert same(load_model(folder), model)
    rewrite(folder, without_head)
    assert load_model(folder).config.tie_word_embeddings


def test_a_tied_checkpoint_may_repeat_the_table_but_not_contradict_it(saved):
    folder, _ = saved
    edit_config(folder, tie_word_embeddings=True)
    with pytest.raises(CheckpointError, match="differs"):
        load_model(folder)
    rewrite(folder, lambda t: {**t, "lm_head.weight": t["model.embed_tokens.weight"].clone()})
    loaded = load_model(folder)
    assert loaded.lm_head.weight is loaded.text.embed_tokens.weight


def test_half_precision_is_refused_unless_another_type_is_asked_for(saved):
    folder, _ = saved
    edit_config(folder, torch_dtype="float16")
    with pytest.raises(CheckpointError, match="float16"):
        load_model(folder)
    with pytest.raises(CheckpointError, match="float16"):
        load_model(folder, dtype=torch.float16)
    assert load_model(folder, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_the_stored_type_is_the_default(tmp_path, make_config, make_model):
    save_model(make_model(make_config()).to(torch.bfloat16), tmp_path, stop_ids=[3])
    assert {p.dtype for p in load_model(tmp_path).parameters()} == {torch.bfloat16}
    assert load_model(tmp_path, dtype=torch.float32).dtype == torch.float32


def test_a_loaded_network_does_not_lean_on_its_file(saved):
    folder, model = saved
    loaded = load_model(folder)
    (folder / "model.safetensors").write_bytes(b"")
    assert same(loaded, model)


@pytest.mark.parametrize("content", [b"", b"not tensors", None])
def test_unreadable_weights_are_refused(content, saved):
    folder, _ = saved
    path = folder / "model.safetensors"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors") as caught:
        load_model(folder)
    assert caught.value.next_step


def test_stop_ids_fall_back_on_the_config(saved):
    folder, _ = saved
    (folder / "generation_config.json").unlink()
    assert load_stop_ids(folder) == (3,)
    edit_config(folder, eos_token_id=None)
    with pytest.raises(CheckpointError, match="eos_token_id"):
        load_stop_ids(folder)


def test_stop_ids_are_found_where_newer_files_keep_them(saved):
    folder, _ = saved
    (folder / "generation_config.json").write_text('{"do_sample": false}')
    edit_config(folder, eos_token_id=7)
    assert load_stop_ids(folder) == (7,)
    edit_config(folder, text_config={"eos_token_id": [8, 9]})
    raw = json.loads((folder / "config.json").read_text())
    del raw["eos_token_id"]
    (folder / "config.json").write_text(json.dumps(raw))
    assert load_stop_ids(folder) == (8, 9)


def test_the_tokenizer_is_copied_when_given(tmp_path, make_config, make_model):
    source = tmp_path / "words.json"
    source.write_text("{}")
    save_model(make_model(make_config()), tmp_path / "out", stop_ids=[3], tokenizer=source)
    assert (tmp_path / "out" / "tokenizer.json").read_text() == "{}"


def test_a_tie_stated_in_one_place_only_is_found(tmp_path, make_config, make_model):
    save_model(make_model(make_config(tied=True)), tmp_path, stop_ids=[3])
    for root, text in ((True, None), (None, True), (None, None)):
        edit_config(tmp_path, tie_word_embeddings=root, text_config={"tie_word_embeddings": text})
        assert load_model(tmp_path).config.tie_word_embeddings


def test_a_nested_config_is_the_flat_one(saved):
    folder, model = saved
    raw = json.loads((folder / "config.json").read_text())
    inner = ("vision_config", "model_type", "architectures", "tie_word_embeddings")
    text = {
        name: raw.pop(name) for name in list(raw) if name not in inner and "token_id" not in name
    }
    (folder / "config.json").write_text(json.dumps({**raw, "text_config": text}))
    assert same(load_model(folder), model)


def test_the_merged_and_newer_prefixes_may_be_combined(saved):
    folder, model = saved

    def both(name: str) -> str:
        rest = name.removeprefix("model.")
        inner = f"model.{name}" if name.startswith("visual.") else f"model.language_model.{rest}"
        return f"base_model.model.{name if name == 'lm_head.weight' else inner}"

    rewrite(folder, lambda t: {both(name): value for name, value in t.items()})
    assert same(load_model(folder), model)


@pytest.mark.parametrize("leaf", ["lora_A.weight", "lora_B.default.weight", "base_layer.weight"])
def test_an_adapter_that_was_not_merged_is_refused(saved, leaf):
    folder, _ = saved
    name = f"base_model.model.model.layers.0.self_attn.q_proj.{leaf}"
    rewrite(folder, lambda t: {**t, name: torch.zeros(2)})
    with pytest.raises(CheckpointError, match="not merged") as caught:
        load_model(folder)
    assert "merge" in caught.value.next_step


def test_a_folder_with_an_adapter_alone_is_refused(saved):
    folder, _ = saved
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    with pytest.raises(CheckpointError, match="an adapter and no") as caught:
        load_model(folder)
    assert "merge" in caught.value.next_step


def test_pickled_weights_are_never_opened(saved):
    folder, _ = saved
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"only as pytorch_model\.bin") as caught:
        load_model(folder)
    assert "safetensors" in caught.value.next_step


def test_code_that_a_checkpoint_brings_is_never_run(saved):
    folder, model = saved
    (folder / "modeling_own.py").write_text("raise SystemExit('executed')")
    edit_config(folder, auto_map={"AutoModel": "modeling_own.Own", "AutoConfig": "modeling_own.C"})
    assert same(load_model(folder), model)


def test_an_index_that_names_what_its_file_lacks_is_refused(saved):
    folder, _ = saved
    split_in_two(folder)
    edit_index(folder, lambda m: {**m, "model.ghost.weight": "model-00001-of-00002.safetensors"})
    with pytest.raises(CheckpointError, match=r"00001-of.*ghost\.weight\) in the index but not in"):
        load_model(folder)


def test_a_file_that_holds_what_its_index_lacks_is_refused(saved):
    folder, _ = saved
    split_in_two(folder)
    edit_index(folder, lambda m: {n: f for n, f in m.items() if n != "model.norm.weight"})
    with pytest.raises(CheckpointError, match=r"model\.norm\.weight\) in the file but not in"):
        load_model(folder)


def test_the_first_few_of_many_missing_tensors_are_listed(saved):
    folder, _ = saved
    rewrite(folder, lambda t: {n: v for n, v in t.items() if not n.startswith("visual.blocks.0.")})
    with pytest.raises(
        CheckpointError, match=r"12 tensors \(visual\.blocks\.0\.\S+, \S+, \S+, \.\.\."
    ):
        load_model(folder)


def without_head(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in tensors.items() if name != "lm_head.weight"}


def split_in_two(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    weight_map = {}
    for part in (0, 1):
        name = f"model-0000{part + 1}-of-00002.safetensors"
        some = {n: t.clone() for i, (n, t) in enumerate(tensors.items()) if i % 2 == part}
        save_file(some, folder / name)
        weight_map |= dict.fromkeys(some, name)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def edit_index(folder: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    path = folder / "model.safetensors.index.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "weight_map": change(raw["weight_map"])}))
