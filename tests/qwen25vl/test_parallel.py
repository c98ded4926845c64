"""Two ranks over gloo: the same scores and tokens as one process, from half the decoder each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor
from torch.multiprocessing.spawn import spawn

from qwen25vl import (
    ConfigError,
    KVCache,
    ModelConfig,
    Prompt,
    Qwen25VL,
    choose,
    generate,
    generate_behind,
    load_model,
    parallel,
    prefill,
    save_model,
)
from qwen25vl.errors import CheckpointError
from qwen25vl.parallel import shard
from qwen25vl.quantize import quantize, weight_bytes

RANKS, PROMPT = 2, 9
needs_gloo = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="torch is built without gloo"
)


@torch.inference_mode()
def said_by(model: Qwen25VL) -> dict[str, Any]:
    """Scores of a prompt, 16 greedy tokens behind it, and what other ways of asking give."""
    ids_1S, positions_31S = prompt()
    embeds_1SD = model.embed(ids_1S)
    said = generate(model, embeds_1SD, positions_31S, max_new_tokens=16, stop_ids=())
    cache = KVCache(model.config.text, 40)
    prefill(model, embeds_1SD, positions_31S, cache)
    questions = [Prompt(embeds_1SD[:, :n], positions_31S[:, :, :n] + PROMPT) for n in (3, 5)]
    behind = generate_behind(model, cache, questions, max_new_tokens=8, stop_ids=())
    return {
        "scores": model(ids_1S, positions_31S),
        "choices": torch.tensor(choose(model, embeds_1SD, positions_31S, [[5, 6], [7]]).logprobs),
        "ids": [said.ids, *(reply.ids for reply in behind)],
        "bytes": weight_bytes(model),
    }


def prompt() -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and positions."""
    return torch.arange(20, 20 + PROMPT)[None], torch.arange(PROMPT).expand(3, 1, -1)


def work(rank: int, folder: Path, how: str) -> None:
    """One rank's process: load or shard, answer, and write what it said and what it holds."""
    torch.set_num_threads(1)
    store = (folder / "store").as_uri()
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=RANKS)
    try:
        model = _model(folder, init_device_mesh("cpu", (RANKS,)), how)
        whole = {name: _whole(each) for name, each in model.named_parameters()}
        torch.save({**said_by(model), "whole": whole}, folder / f"{rank}.pt")
    finally:
        dist.destroy_process_group()
    os._exit(0)  # DTensor's caches keep gloo's threads, and one may abort a dying interpreter


def _model(folder: Path, mesh: DeviceMesh, how: str) -> Qwen25VL:
    if how == "shard":
        model = load_model(folder)
        shard(model, mesh)
        with pytest.raises(CheckpointError, match="one rank's share"):
            save_model(model, folder / "never", stop_ids=[3])
        with pytest.raises(CheckpointError, match="a share already"):
            shard(model, mesh)
        return model
    return load_model(folder, quantized="int8" if how == "int8" else None, mesh=mesh)


def _whole(parameter: nn.Parameter) -> torch.Tensor:
    held = parameter.full_tensor() if isinstance(parameter, DTensor) else parameter
    return held.detach()


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
    for rank in range(RANKS):
        got = torch.load(tmp_path / f"{rank}.pt")
        torch.testing.assert_close(got["scores"], wanted["scores"], rtol=0, atol=1e-5)
        torch.testing.assert_close(got["choices"], wanted["choices"], rtol=0, atol=1e-5)
        assert got["ids"] == wanted["ids"]
        assert got["bytes"] == wanted["bytes"] - _cut_bytes(whole) // 2
        torch.testing.assert_close(got["whole"], dict(whole.named_parameters()), rtol=0, atol=0)


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
    quantize(whole, "int8")
    assert first["bytes"] == second["bytes"] == weight_bytes(whole) - _cut_bytes(whole) // 2


CARDS = {"    torch.cuda.set_device(rank)\n": "", 'f"cuda:{rank}"': '"cpu"', '"cuda"': '"cpu"'}
"""What the documented script has to say otherwise without cards."""
BEFORE = """
import os, sys, torch
from torch.distributed.device_mesh import init_device_mesh
from qwen25vl import generate, load_model
folder, stop_ids = sys.argv[1], ()
ids_1S, positions_31S = torch.arange(20, 29)[None], torch.arange(9).expand(3, 1, -1)
"""
AFTER = """
from pathlib import Path
Path(folder, f"{rank}.json").write_text(str(said.ids), encoding="utf-8")
os._exit(0)
"""


@needs_gloo
def test_the_documented_script_runs(
    make_model: Callable[..., Qwen25VL], make_config: Callable[..., ModelConfig], tmp_path: Path
) -> None:
    whole = make_model(make_config())
    save_model(whole, tmp_path, stop_ids=[3])
    script = tmp_path / "two_ranks.py"
    script.write_text(f"{BEFORE}{documented()}{AFTER}", encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(RANKS), str(script), str(tmp_path)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=one_thread, timeout=120)
    ids_1S, positions_31S = prompt()
    alone = generate(whole, whole.embed(ids_1S), positions_31S, max_new_tokens=64, stop_ids=())
    said = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(RANKS)]
    assert said == [alone.ids] * RANKS


def documented() -> str:
    """The script of the module's docstring, for processors."""
    _, _, after = str(parallel.__doc__).partition("::\n\n")
    script, _, _ = after.partition("\n\n")
    for card, processor in CARDS.items():
        assert card in script
        script = script.replace(card, processor)
    return textwrap.dedent(script) + "\n"


def test_bytes_are_not_cut(
    make_model: Callable[..., Qwen25VL], make_config: Callable[..., ModelConfig]
) -> None:
    model = make_model(make_config())
    quantize(model, "int8")
    mesh: Any = Ranks(2)
    with pytest.raises(CheckpointError, match="bytes already"):
        shard(model, mesh)


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


def _cut_bytes(model: Qwen25VL) -> int:
    """Bytes of what ranks share: of layers cut by inputs, not the scales, one per output."""
    layers = model.text.layers
    held = [*layers.named_parameters(), *layers.named_buffers()]
    whole = ("o_proj.scale_O", "down_proj.scale_O")
    return sum(t.nbytes for n, t in held if "_proj." in n and not n.endswith(whole))
