"""``python -m vidqa_nano.train``: draws the world, trains nano, writes its checkpoint folder.

In: a cache folder for drawn frames and a run folder. Out: in the run folder ``run.pt`` (the whole
state; start again and the run goes on from there), ``log.jsonl`` and ``weights/``, a checkpoint in
the official layout that can be used while training goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from vidqa_nano.clips import Clips, load_clips
from vidqa_nano.measure import measure
from vidqa_nano.publish import publish
from vidqa_nano.scores import summary
from vidqa_nano.trainer import Recipe, Run, steps_left

HELD_OUT, MEASURED = 300, 60
"""Clips drawn for measuring, never trained on, and how many are asked about while training."""


def main(argv: list[str] | None = None) -> int:
    """Run or resume a training; returns the exit code."""
    args = _arguments(argv)
    torch.set_num_threads(args.threads)
    run = _open_run(args.run, args.cache, _chosen(args))
    held_out = load_clips(args.cache, "held_out", HELD_OUT)
    _train(run, held_out, args)
    publish(run.model, run.tokenizer, args.run / "weights")
    return 0


def _train(run: Run, held_out: Clips, args: argparse.Namespace) -> None:
    began, sums = time.monotonic(), _Mean()
    for step in steps_left(run):
        sums.add(run.advance())
        if (step + 1) % args.log_every == 0:
            _log(args.run, {"step": step + 1, "s": time.monotonic() - began} | sums.take())
        if (step + 1) % args.save_every == 0:
            run.save(args.run / "run.pt")
        if (step + 1) % args.measure_every == 0 and step >= run.recipe.vision_steps:
            publish(run.model, run.tokenizer, args.run / "weights")
            answers = measure(run.model, run.tokenizer, held_out, count=MEASURED)
            figures = {name: figure.value for name, figure in summary(answers).items()}
            _log(args.run, {"step": step + 1, "s": time.monotonic() - began} | figures)
    run.save(args.run / "run.pt")


class _Mean:
    """Means of the losses since the last line."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, losses: dict[str, float]) -> None:
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def take(self) -> dict[str, float]:
        means = {name: value / self.count for name, value in self.sums.items()}
        self.sums, self.count = {}, 0
        return means


def _log(folder: Path, line: dict[str, float]) -> None:
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
    shown = " ".join(f"{k}={v:.4g}" for k, v in line.items())
    sys.stderr.write(f"{shown}\n")
    sys.stderr.flush()


def _open_run(folder: Path, cache: Path, chosen: dict[str, Any]) -> Run:
    """A new run, or the one in ``folder`` with the options that were given this time."""
    folder.mkdir(parents=True, exist_ok=True)
    saved, recipe = folder / "run.pt", Recipe(**chosen)
    clips = load_clips(cache, "train", recipe.clips)
    return Run.resume(saved, clips, **chosen) if saved.exists() else Run(recipe, clips)


def _chosen(args: argparse.Namespace) -> dict[str, Any]:
    names = [field.name for field in fields(Recipe)]
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.train", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--cache", type=Path, required=True, help="folder for drawn frames")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--log-every", type=int, default=20)
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--measure-every", type=int, default=250)
    for field in fields(Recipe):
        kind = type(field.default)
        if kind is bool:
            parser.add_argument(f"--{field.name}", action="store_true", default=None)
        else:
            flag = f"--{field.name.replace('_', '-')}"
            parser.add_argument(flag, type=kind, default=None, help=f"default {field.default}")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
