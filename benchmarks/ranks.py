"""A decoded token of two ranks: ``python -m benchmarks.ranks [--quick]``.

Two processes over gloo, one thread each, hold half of a decoder of random numbers each: cut by
``qwen25vl.parallel``, and by torch's own two styles, which make DTensors of activations too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    ParallelStyle,
    RowwiseParallel,
    parallelize_module,
)
from torch.multiprocessing.spawn import spawn

from benchmarks.decoder import decoder_config
from benchmarks.tower import small_tower
from benchmarks.turns import Contenders, Row, Wanted, require_same, take_turns
from qwen25vl import KVCache, ModelConfig, Qwen25VL
from qwen25vl.parallel import PLAN, shard

RANKS, PROMPT, STEPS = 2, 32, 8
OURS, TORCHS = "vidqa", "torch's styles"
STYLES: dict[str, ParallelStyle] = {
    name: RowwiseParallel() if name.endswith(("o_proj", "down_proj")) else ColwiseParallel()
    for name in PLAN
    if name.endswith("_proj")
}


def main() -> None:
    """Measure in two processes, then print a table or one JSON document."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        spawn(work, args=(Path(folder), 3 if options.quick else 15), nprocs=RANKS)
        rows: list[Row] = json.loads((Path(folder) / "rows.json").read_text(encoding="utf-8"))
    if options.json:
        sys.stdout.write(f"{json.dumps(rows, indent=1)}\n")
    else:
        _print(rows)


def work(rank: int, folder: Path, rounds: int) -> None:
    """One rank's process; the first writes what it measured to rows.json."""
    torch.set_num_threads(1)
    store = (folder / "store").as_uri()
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=RANKS)
    mesh = init_device_mesh("cpu", (RANKS,))
    rows = [_row(name, config, mesh, rounds) for name, config in configs().items()]
    if rank == 0:
        (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    dist.destroy_process_group()
    os._exit(0)  # DTensor's caches keep gloo's threads; one may abort an interpreter at its end


def configs() -> dict[str, ModelConfig]:
    """A narrow decoder, all overhead, and one of 100 M parameters."""
    wide = decoder_config(small_tower(96, 4, 256, 768))
    narrow = replace(
        wide.text,
        vocab_size=200,
        hidden_size=64,
        intermediate_size=72,
        num_hidden_layers=3,
        num_attention_heads=4,
        head_dim=16,
        mrope_section=(4, 2, 2),
    )
    vision = replace(wide.vision, out_hidden_size=64)
    return {
        "3 layers, width 64": replace(wide, text=narrow, vision=vision),
        "12 layers, width 768": wide,
    }


@torch.inference_mode()
def _row(name: str, config: ModelConfig, mesh: DeviceMesh, rounds: int) -> Row:
    ours, torchs = (_decode(config, mesh, cut) for cut in (shard, _shard_by_styles))
    require_same(ours(), torchs(), "scores of the last token")
    contenders: Contenders = {OURS: ours, TORCHS: torchs}
    return take_turns(name, contenders, [Wanted(TORCHS, OURS, 1)], rounds, per=STEPS)


def _decode(
    config: ModelConfig, mesh: DeviceMesh, cut: Callable[[Qwen25VL, DeviceMesh], None]
) -> Callable[[], Tensor]:
    """Scores (1, 1, V) of the last of STEPS tokens behind a prompt."""
    torch.manual_seed(0)
    model = Qwen25VL(config).eval()
    cut(model, mesh)
    cache = KVCache(model.config.text, PROMPT + STEPS)
    ids_1S = torch.arange(20, 20 + PROMPT + STEPS)[None]
    positions_31S = torch.arange(PROMPT + STEPS).expand(3, 1, -1)

    def run(start: int, end: int) -> Tensor:
        cache.truncate(min(start, cache.length))
        embeds_1SD = model.embed(ids_1S[:, start:end])
        return model.logits(model.text(embeds_1SD, positions_31S[:, :, start:end], cache=cache))

    run(0, PROMPT)
    return lambda: [run(place, place + 1) for place in range(PROMPT, PROMPT + STEPS)][-1]


def _shard_by_styles(model: Qwen25VL, mesh: DeviceMesh) -> None:
    """As ``shard``, but with ColwiseParallel and RowwiseParallel on plain linear layers."""
    for layer in model.text.layers:
        for name in STYLES:
            layer.get_submodule(name).__class__ = nn.Linear
        parallelize_module(layer, mesh, STYLES)
    text = model.config.text
    kv_heads = text.num_key_value_heads // RANKS
    model.config = replace(model.config, text=replace(text, num_key_value_heads=kv_heads))


def _print(rows: list[Row]) -> None:
    table = Table("decoder", f"{OURS}, ms", f"{TORCHS}, ms", "ratio")
    for row in rows:
        milliseconds, (ratio,) = row["milliseconds"], row["ratios"]
        table.add_row(
            row["row"], *(f"{milliseconds[name]:.1f}" for name in (OURS, TORCHS)),
            str(ratio["figure"]),
        )  # fmt: skip
    Console().print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds in place of 15")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
