"""``python -m vidqa_nano.evaluate``: how well nano does what it is for, in one table.

In: a checkpoint folder. Out: each ability's figure with its 95 % interval, the number of questions,
what was to be reached, and what answers score that look at nothing. Clips are of splits that
training never sees; ``--quick`` asks about a few of them only, in about a minute. ``--write`` puts
the figures on the checkpoint's card, which ``vidqa models`` shows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from tokenizers import Tokenizer

from qwen25vl import load_model
from vidqa_nano import weights_folder
from vidqa_nano.answering import Asker
from vidqa_nano.card import write_card
from vidqa_nano.clips import load_clips
from vidqa_nano.filmed import filmed
from vidqa_nano.rows import (
    Row,
    absent_rows,
    choice_rows,
    grounded,
    grounding_rows,
    once,
    once_novel,
    retrieval_rows,
    several,
    several_rows,
    slope_rows,
)

FULL, QUICK = (
    {"short": 1000, "long": 300, "novel": 500, "asked": 300, "filmed": 120},
    {
        "short": 60,
        "long": 20,
        "novel": 40,
        "asked": 40,
        "filmed": 6,
    },
)
"""Clips drawn, and how many of the short ones are asked about."""


def main(argv: list[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    args = _arguments(argv)
    torch.set_num_threads(args.threads)
    with _folder(args.cache) as cache:
        rows: list[Row] = []
        for found in table(args.weights, cache, QUICK if args.quick else FULL):
            rows += found
            if not args.json:
                sys.stdout.write("".join(_line(row) for row in found))
                sys.stdout.flush()
    if args.json:
        sys.stdout.write(f"{json.dumps([asdict(row) for row in rows], indent=2)}\n")
    if args.write:
        write_card(args.weights, rows)
    return 0


def table(weights: Path, cache: Path, size: dict[str, int]) -> Iterator[Sequence[Row]]:
    """The rows, as soon as each is known."""
    tokenizer = Tokenizer.from_file(str(weights / "tokenizer.json"))
    asker = Asker(load_model(weights), tokenizer)
    asker.model.eval()
    asked = size["asked"]
    short = load_clips(cache, "held_out", size["short"], "short")
    singles = grounded(asker, short, asked, once)
    yield grounding_rows("one event, 8 to 32 s", singles, (">= 0.75", ">= 0.88", ">= 0.65"))
    through = filmed(weights, cache, short, size["filmed"], once)
    yield grounding_rows("the same as H.264 files", through, (">= 0.75", ">= 0.88", ">= 0.65"))
    long = load_clips(cache, "held_out", size["long"], "long")
    singles = grounded(asker, long, size["long"], once)
    yield grounding_rows("60 to 120 s", singles, (">= 0.55", ">= 0.60"))
    novel = load_clips(cache, "novel", size["novel"], "short")
    singles = grounded(asker, novel, size["novel"], once_novel)
    yield grounding_rows("colour and action never seen together", singles, ("within 0.08",))
    repeats = grounded(asker, short, len(short), several)
    yield several_rows(repeats)
    yield absent_rows(asker, short, asked)
    yield choice_rows(asker, short, asked)
    yield slope_rows(asker, short, asked // 2)
    yield retrieval_rows(asker, short)


def _line(row: Row) -> str:
    beside = ", ".join(f"{name} {value:.3f}" for name, value in row.beside.items())
    return f"{row.name:<52} {row.figure!s:<32} {row.goal:<12} {beside}\n"


@contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    """The folder for drawn frames; one that goes away when none is named."""
    if cache is not None:
        yield cache
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.evaluate", description=__doc__)
    parser.add_argument("--weights", type=Path, default=weights_folder())
    parser.add_argument("--cache", type=Path, help="keep drawn frames in this folder")
    parser.add_argument("--quick", action="store_true", help="few clips: about a minute")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="keep the figures beside the weights")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
