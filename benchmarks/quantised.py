"""What bytes for weights cost nano in quality: ``python -m benchmarks.quantised [--quick]``.

Every precision answers the same held-out clips with nano's own evaluation. Scores of a prompt and
greedy replies are held against float32. fp8 is for CUDA and is not measured without a card.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer
from torch import Tensor

from qwen25vl import Qwen25VL, load_model
from qwen25vl.quantize import Kind, weight_bytes
from vidqa_nano import weights_folder
from vidqa_nano.clips import Clips, load_clips
from vidqa_nano.measure import measure
from vidqa_nano.scores import Answered, summary

PROMPT_TOKENS = 64
PRECISIONS: dict[str, tuple[torch.dtype, Kind | None]] = {
    "float32": (torch.float32, None),
    "bfloat16": (torch.bfloat16, None),
    "int8 in float32": (torch.float32, "int8"),
    "int8 in bfloat16": (torch.bfloat16, "int8"),
}
UNMEASURED = {"fp8": "not measured: needs a CUDA card"}


def main() -> None:
    """Measure all, then print a table or one JSON document."""
    options = _options()
    torch.set_num_threads(1)
    rows = run(options.clips or (10 if options.quick else 100))
    if options.json:
        sys.stdout.write(f"{json.dumps({'rows': rows, 'absent': UNMEASURED}, indent=1)}\n")
    else:
        _print(rows)


def run(count: int) -> dict[str, dict[str, Any]]:
    """The figures of every precision, by name; ``count`` clips, three questions each."""
    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        clips = load_clips(Path(folder), "held_out", count)
        exact: tuple[list[Answered], Tensor] | None = None
        for name, (dtype, quantized) in PRECISIONS.items():
            model = load_model(weights_folder(), dtype=dtype, quantized=quantized)
            answers, seconds = _timed(model, tokenizer, clips, count)
            scores = prompt_scores(model)
            exact = exact or (answers, scores)
            rows[name] = {
                "figures": {key: str(figure) for key, figure in summary(answers).items()},
                "same answers": _same(answers, exact[0]),
                "max |score difference|": float((scores - exact[1]).abs().max()),
                "weights, MB": weight_bytes(model) / 1e6,
                "seconds per reply": seconds,
            }
    return rows


def prompt_scores(model: Qwen25VL) -> Tensor:
    """Float32 scores of a fixed prompt of text tokens."""
    generator = torch.Generator().manual_seed(0)
    ids_1S = torch.randint(100, (1, PROMPT_TOKENS), generator=generator)
    with torch.inference_mode():
        scores_1SV: Tensor = model(ids_1S, torch.arange(PROMPT_TOKENS).expand(3, 1, -1))
        return scores_1SV.float()


def _timed(
    model: Qwen25VL, tokenizer: Tokenizer, clips: Clips, count: int
) -> tuple[list[Answered], float]:
    """Answers, and seconds for each: the clip's share of being seen, and its reply."""
    started = time.perf_counter()
    answers = measure(model, tokenizer, clips, range(count))
    return answers, (time.perf_counter() - started) / len(answers)


def _same(answers: list[Answered], exact: list[Answered]) -> float:
    pairs = zip(answers, exact, strict=True)
    return sum(ours.answer == theirs.answer for ours, theirs in pairs) / len(exact)


def _print(rows: dict[str, dict[str, Any]]) -> None:
    table = Table("", *rows)
    first = next(iter(rows.values()))
    for key in first["figures"]:
        table.add_row(key, *(row["figures"][key] for row in rows.values()))
    for key in first:
        if key != "figures":
            table.add_row(key, *(f"{row[key]:.4g}" for row in rows.values()))
    console = Console()
    console.print(table)
    for name, why in UNMEASURED.items():
        console.print(f"{name}: {why}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quantised", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 clips in place of 100")
    parser.add_argument("--clips", type=int)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
