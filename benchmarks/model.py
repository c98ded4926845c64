"""How fast the network is: ours against transformers (SDPA), our linear layers and a roofline.

``python -m benchmarks.model [--quick] [--json] [--rounds N] [--threads N] [--device cpu|cuda]
[--only NAME]``

Same weights, same inputs, outputs compared before anything is timed. Contenders take turns in one
process; medians count, and ratios are medians over the rounds. Peak memory is measured in a process
of its own. On ``cpu`` float32 and small networks; on ``cuda`` 7B in bfloat16, and memory.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.card import QUICK_TOKENS, TOKENS, card_rows
from benchmarks.decoder import decoder_rows
from benchmarks.tower import full_width, narrow_towers
from benchmarks.turns import Row, judged

Measure = Callable[[argparse.Namespace], list[Row]]
ROUNDS, QUICK_ROUNDS = 7, 3
MEMORY_BOUND = 1.15


def main() -> None:
    """Run, then print a table or one JSON document."""
    options = _options()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    torch.set_num_threads(options.threads)
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    names = [options.only] if options.only else list(MEASURES)
    rows = [row for name in names for row in MEASURES[name](options)]
    document = {"threads": options.threads, "rounds": options.rounds, "rows": rows}
    if options.json:
        print(json.dumps(document, indent=1))
    else:
        _show(document)


def _narrow(width: int, heads: int, intermediate: int) -> Measure:
    def measure(options: argparse.Namespace) -> list[Row]:
        return narrow_towers(width, heads, intermediate, options.rounds, options.quick)

    return _on("cpu", f"tower, width {width}", measure)


def _on(device: str, row: str, measure: Measure) -> Measure:
    """Rows of one device; asked for another, a row that says so."""

    def rows(options: argparse.Namespace) -> list[Row]:
        if options.device != device:
            note = f"not measured: needs --device {device}"
            return [{"row": row, "milliseconds": {}, "ratios": [], "note": note}]
        return measure(options)

    return rows


def _memory(options: argparse.Namespace) -> list[Row]:
    """Peak of a fresh process over what was counted; the note says where the bytes were."""
    tokens = QUICK_TOKENS if options.quick else TOKENS
    command = [sys.executable, "-m", "benchmarks.memory", "--device", options.device]
    command += ["--tokens", str(tokens), "--threads", str(options.threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    counted, peak = found["counted"], max(found["peaks"].values())
    wanted = sum(counted.values())
    ratio = judged("peak / counted", peak / wanted, MEMORY_BOUND, at_least=False)
    megabytes = {**found["peaks"], **counted, "over": peak - wanted}
    note = "MB: " + ", ".join(f"{name} {size / 1e6:.0f}" for name, size in megabytes.items())
    name = f"peak memory, {tokens} tokens"
    return [{"row": name, "milliseconds": {}, "ratios": [ratio], "note": note, "bytes": found}]


MEASURES: dict[str, Measure] = {
    "tower-96": _narrow(96, 4, 256),
    "tower-192": _narrow(192, 8, 512),
    "tower-1280": _on("cpu", "tower, width 1280", lambda options: full_width(options.rounds)),
    "decoder": _on("cpu", "decoder", lambda options: decoder_rows(options.rounds, options.quick)),
    "memory": _memory,
    "7b": _on(
        "cuda", "7B", lambda options: card_rows(options.rounds, options.quick, options.device)
    ),
}


def _show(document: dict[str, Any]) -> None:
    title = f"the network, {document['threads']} threads, {document['rounds']} rounds"
    table = Table(title=title)
    for column in ("row", "ms", "ratio", "figure", "wanted", ""):
        table.add_column(column, justify="right" if column == "figure" else "left")
    for row in document["rows"]:
        times = "\n".join(f"{name} {value:g}" for name, value in row["milliseconds"].items())
        ratios = row["ratios"]
        columns = ["\n".join(str(each[key]) for each in ratios) for key in COLUMNS]
        verdicts = "\n".join("" if each["holds"] else "misses" for each in ratios)
        table.add_row(row["row"], times or row.get("note", ""), *columns, verdicts)
    Console(width=120).print(table)


COLUMNS = ("name", "figure", "wanted")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The network, ours against transformers'.")
    parser.add_argument("--quick", action="store_true", help="a minute or two")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--rounds", type=int, help="turns per contender")
    parser.add_argument("--threads", type=int, default=2, help="torch threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", choices=tuple(MEASURES), help="one group of rows")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda needs a CUDA card")
    return options


if __name__ == "__main__":
    main()
