"""Two ranks over gloo: the same scores and tokens as one process, from half the decoder each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.multiprocessing.spawn import spawn

from qwen25vl import ConfigError, ModelConfig, Qwen25VL, generate, load_model, save_model
from qwen25vl.errors import CheckpointError
from qwen25vl.parallel import shard
from qwen25vl.quantize import weight_bytes

RANKS, PROMPT = 2, 9
needs_gloo = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="torch is built without gloo"
)


def said_by(model: Qwen25VL) -> dict[str, Any]:
    """Scores of a prompt and 16 greedy tokens behind it."""
    ids_1S = torch.arange(20, 20 + PROMPT)[None]
    positions_31S = torch.arange(PROMPT).expand(3, 1, -1)
    with torch.inference_mode():
        scores = model(ids_1S, positions_31S).clone()
        said = generate(model, model.embed(ids_1S), positions_31S, max_new_tokens=16, stop_ids=())
    return {"scores": scores, "ids": said.ids, "bytes": weight_bytes(model)}


def work(rank: int, folder: Path, how: str) -> None:
    """One rank's process: load or shard, answer, and write what it said."""
    torch.set_num_threads(1)
    store = (folder / "store").as_uri()
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=RANKS)
    try:
        mesh = init_device_mesh("cpu", (RANKS,))
        torch.save(said_by(_model(folder, mesh, how)), folder / f"{rank}.pt")
    finally:
        dist.destroy_process_group()


def _model(folder: Path, mesh: DeviceMesh, how: str) -> Qwen25VL:
    if how == "shard":
        model = load_model(folder)
        shard(model, mesh)
        with pytest.raises(CheckpointError, match="share"):
            save_model(model, folder / "never", stop_ids=[3])
        return model
    return load_model(folder, quantized="int8" if how == "int8" else None, mesh=mesh)


@needs_gloo
@pytest.mark.parametrize("how", ["shard", "load"])
def test_two_ranks_say_what_one_says(
    make_model: Callable[..., Qwen25VL],
    make_config: Callable[..., ModelConfig],
    tmp_path: Path,
    how: str,
) -> None:
    whole = make_model(make_config())
    save_model(whole, tmp_path, stop_ids=[3])
    spawn(work, args=(tmp_path, how), nprocs=RANKS)
    wanted = said_by(whole)
    cut = sum(p.nbytes for n, p in whole.named_parameters() if _is_cut(n))
    for rank in range(RANKS):
        got = torch.load(tmp_path / f"{rank}.pt")
        torch.testing.assert_close(got["scores"], wanted["scores"], rtol=0, atol=1e-5)
        assert got["ids"] == wanted["ids"]
        assert got["bytes"] == wanted["bytes"] - cut // 2


@needs_gloo
def test_ranks_with_bytes_agree(
    make_model: Callable[..., Qwen25VL],
    make_config: Callable[..., ModelConfig],
    tmp_path: Path,
) -> None:
    whole = make_model(make_config())
    save_model(whole, tmp_path, stop_ids=[3])
    spawn(work, args=(tmp_path, "int8"), nprocs=RANKS)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(RANKS))
    assert torch.equal(first["scores"], second["scores"])
    assert first["ids"] == second["ids"]
    exact = said_by(whole)["scores"]
    assert (first["scores"] - exact).abs().max() < 0.1 * exact.abs().max()


class Ranks:
    """The size of a mesh without its processes."""

    def __init__(self, ranks: int, axes: int = 1) -> None:
        self.ranks, self.ndim = ranks, axes

    def size(self) -> int:
        return self.ranks


@pytest.mark.parametrize(
    ("mesh", "words"),
    [
        (Ranks(3), "num_attention_heads 4 does not divide by 3 ranks"),
        (Ranks(4), "num_key_value_heads 2 does not divide by 4 ranks"),
        (Ranks(2, axes=2), "the mesh has 2 axes, not 1"),
    ],
)
def test_ranks_that_do_not_divide_the_heads_are_refused(
    make_model: Callable[..., Qwen25VL],
    make_config: Callable[..., ModelConfig],
    mesh: Any,
    words: str,
) -> None:
    model = make_model(make_config())
    before = weight_bytes(model)
    with pytest.raises(ConfigError, match=words):
        shard(model, mesh)
    assert weight_bytes(model) == before


def _is_cut(name: str) -> bool:
    return name.startswith("text.layers.") and "_proj." in name
