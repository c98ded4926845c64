"""A checkpoint of an official size with random weights: written, loaded, and run once on the CPU.

``python -m benchmarks.checkpoint`` writes the 3B shape in bfloat16 (7.5 GB) in the official sharded
layout, loads it with vidqa and with transformers, each in a fresh process, answers once from a few
frames, and removes the files. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.checkpoint_probe import CONTENDERS, FRAMES, NEW_TOKENS, SIDE
from qwen25vl import ModelConfig, Qwen25VL
from qwen25vl.counting import parameters
from qwen25vl.names import stored_name, stored_shape
from qwen25vl.saving import shard_layout
from qwen25vl.shapes import SHAPES
from qwen25vl.shards import INDEX

SHARD_BYTES = 1 << 30
"""Smaller than the official shards, which hold 4 GB: one shard is in memory while it is written."""
SPARE_BYTES = 2 << 30
BFLOAT16 = 2
STD = 0.02


def main() -> None:
    options = _options()
    config = _quick(SHAPES["3b"]) if options.quick else SHAPES["3b"]
    parent = options.folder or Path(tempfile.gettempdir())
    _check_space(parent, parameters(config) * BFLOAT16)
    folder = Path(tempfile.mkdtemp(prefix="checkpoint-", dir=parent))
    try:
        document = measure(config, folder, options.rounds)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    if options.keep:
        print(f"kept {folder}", file=sys.stderr)
    print(json.dumps(document, indent=2)) if options.json else _show(document)


def measure(config: ModelConfig, folder: Path, rounds: int) -> dict[str, Any]:
    """Write it once, load it ``rounds`` times with each contender in turn."""
    begin = time.perf_counter()
    write_random(config, folder)
    written = time.perf_counter() - begin
    results = {name: [_probe(name, folder)] for name in CONTENDERS}
    for _ in range(rounds - 1):
        for name in CONTENDERS:
            results[name].append(_probe(name, folder))
    return {
        "parameters": parameters(config),
        "bytes": parameters(config) * BFLOAT16,
        "shards": len(list(folder.glob("*.safetensors"))),
        "write_seconds": round(written, 1),
        "threads": torch.get_num_threads(),
        "results": {name: _fastest(each) for name, each in results.items()},
    }


def write_random(config: ModelConfig, folder: Path) -> None:
    """Shards, index and config.json of a network with random matrices, shard by shard."""
    with torch.device("meta"):
        network = Qwen25VL(config)
    shapes = {
        stored_name(name): stored_shape(name, each.shape, config)
        for name, each in network.named_parameters()
    }
    sizes = {name: torch.Size(shape).numel() * BFLOAT16 for name, shape in shapes.items()}
    layout = shard_layout(sizes, SHARD_BYTES)
    for file, names in layout.items():
        save_file(_random({n: shapes[n] for n in names}), folder / file, metadata={"format": "pt"})
    weight_map = {name: file for file, names in layout.items() for name in names}
    index = {"metadata": {"total_size": sum(sizes.values())}, "weight_map": weight_map}
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config.to_json()), encoding="utf-8")


def _random(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Norms 1, biases 0, matrices normal."""
    made = {}
    for name, shape in shapes.items():
        tensor = torch.empty(shape, dtype=torch.bfloat16)
        if len(shape) == 1:
            tensor.fill_(0.0 if name.endswith("bias") else 1.0)
        else:
            tensor.normal_(std=STD)
        made[name] = tensor
    return made


def _quick(config: ModelConfig) -> ModelConfig:
    """The same widths, a ninth of the layers: about 1.6 GB."""
    vision = replace(config.vision, depth=8, fullatt_block_indexes=(3, 7))
    return replace(config, vision=vision, text=replace(config.text, num_hidden_layers=4))


def _probe(contender: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.checkpoint_probe", contender, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _fastest(rounds: list[dict[str, float]]) -> dict[str, float]:
    best = min(rounds, key=lambda each: each["ready_seconds"])
    weights = best["weight_bytes"]
    return {
        **best,
        "gigabytes_per_second": weights / 1e9 / best["ready_seconds"],
        "peak_over_weights": max(each["peak_bytes"] for each in rounds) / weights,
    }


def _check_space(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE_BYTES:
        message = f"{folder} has {free / 1e9:.1f} GB free, and {wanted / 1e9:.1f} GB are written"
        raise SystemExit(f"{message}: name another with --folder")


def _show(document: dict[str, Any]) -> None:
    title = (
        f"{document['parameters'] / 1e9:.2f} G parameters in bfloat16, "
        f"{document['shards']} shards, {document['threads']} threads; "
        f"written in {document['write_seconds']} s"
    )
    table = Table(title=title)
    for column in ("", "load, s", "ready, s", "GB/s", "peak memory / weights"):
        table.add_column(column, justify="right")
    for name, result in document["results"].items():
        keys = ("load_seconds", "ready_seconds", "gigabytes_per_second", "peak_over_weights")
        table.add_row(name, *(f"{result[key]:.2f}" for key in keys))
    console = Console(width=100)
    console.print(table)
    ours = document["results"][CONTENDERS[0]]
    console.print(
        f"vidqa, {FRAMES} frames of {SIDE} x {SIDE}: tower {ours['tower_seconds']:.1f} s, "
        f"prompt of {ours['prompt_tokens']} tokens "
        f"and {NEW_TOKENS} more {ours['reply_seconds']:.1f} s"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A 3B-shaped checkpoint: write, load, run once.")
    parser.add_argument("--quick", action="store_true", help="few layers, about 1.6 GB")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--folder", type=Path, help="where to write; a new folder is made in it")
    parser.add_argument("--keep", action="store_true", help="do not remove the checkpoint")
    parser.add_argument(
        "--rounds", type=int, default=1, help="loadings per contender, fastest kept"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
