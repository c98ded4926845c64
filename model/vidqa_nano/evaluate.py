"""``python -m vidqa_nano.evaluate``: how well nano answers about clips it was never trained on.

In: a checkpoint folder and a number of held-out clips. Out: mean IoU, recall and refusals with 95 %
intervals, beside answers that look at nothing. ``--files`` goes the product's whole way: every clip
is written as an H.264 file and asked about through ``vidqa``; without it the drawn frames go
straight to the network.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from qwen25vl import Qwen25VL, load_model
from vidqa_nano import weights_folder
from vidqa_nano.clips import Clips, load_clips
from vidqa_nano.measure import measure, measure_files, measure_words
from vidqa_nano.scores import Answered, Figure, mean_of, summary, trivial

Table = Mapping[str, Mapping[str, Figure]]


def main(argv: list[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    args = _arguments(argv)
    torch.set_num_threads(args.threads)
    if args.words:
        sys.stdout.write(_words(args))
        return 0
    answers = _answers(args)
    table = {"nano": summary(answers)} | {k: summary(v) for k, v in trivial(answers).items()}
    if args.answers:
        args.answers.write_text(_answer_lines(answers), encoding="utf-8")
    sys.stdout.write(f"{_as_json(table) if args.json else _as_text(table)}\n")
    return 0


def _words(args: argparse.Namespace) -> str:
    with _drawn(args) as (model, tokenizer, clips):
        right = measure_words(model, tokenizer, clips, count=args.clips)
    return "".join(f"{name}: {mean_of(scores)}\n" for name, scores in right.items())


@contextmanager
def _drawn(args: argparse.Namespace) -> Iterator[tuple[Qwen25VL, Tokenizer, Clips]]:
    tokenizer = Tokenizer.from_file(str(args.weights / "tokenizer.json"))
    with tempfile.TemporaryDirectory() as folder:
        clips = load_clips(Path(folder), "held_out", args.clips)
        yield load_model(args.weights), tokenizer, clips


def _answers(args: argparse.Namespace) -> list[Answered]:
    if args.files:
        with tempfile.TemporaryDirectory() as folder:
            return measure_files(args.weights, Path(folder), args.clips)
    with _drawn(args) as (model, tokenizer, clips):
        return measure(model, tokenizer, clips, count=args.clips)


def _as_text(table: Table) -> str:
    width = max(len(name) for name in table)
    lines = []
    for figure in table["nano"]:
        lines.append(figure)
        lines += [f"  {name:<{width}}  {row[figure]}" for name, row in table.items()]
    return "\n".join(lines)


def _as_json(table: Table) -> str:
    rows: dict[str, dict[str, Any]] = {
        name: {
            key: {"value": f.value, "low": f.low, "high": f.high, "count": f.count}
            for key, f in row.items()
        }
        for name, row in table.items()
    }
    return json.dumps(rows, indent=2)


def _answer_lines(answers: Sequence[Answered]) -> str:
    rows = (
        {"clip": a.clip, "query": a.query, "truth": a.truth, "answer": a.answer} for a in answers
    )
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.evaluate", description=__doc__)
    parser.add_argument("--weights", type=Path, default=weights_folder())
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--files", action="store_true", help="through video files and vidqa")
    parser.add_argument("--words", action="store_true", help="letters, yes or no, colours instead")
    parser.add_argument("--answers", type=Path, help="write every answer to this .jsonl")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
