"""Several small runs, one table: what differs between lines is one choice of the recipe.

In: variants, each a name and its changes to the recipe. Every variant is trained with the same
seeds, batches and number of steps, and asked the same questions. Out: a table of mIoU with 95 %
intervals by frame rate, the same and more as JSON, and a plot. Start it again after a kill, with
the same options, and it goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from vidqa_nano.answer_files import write_json
from vidqa_nano.clips import load_clips
from vidqa_nano.recipe import Recipe
from vidqa_nano.standings import blind_standings, json_of, plot, standings, table
from vidqa_nano.trials import (
    ASKED,
    SAVE_EVERY,
    Answers,
    Setup,
    Trial,
    held_out,
    run_trial,
    train_shared,
)

T = TypeVar("T")
TENTH = 10
"""A trial has this part of the full recipe's steps."""
ASKED_WINDOWS = ((0.0, 16.0), (0.3, 32.0))
"""(share of stage 2, longest window in seconds) where trials begin with a tower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a table compares."""

    name: str
    variants: Mapping[str, Mapping[str, Any]]
    """Changes to the recipe by the name of the line."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the recipe of every line."""
    shared: float | None = None
    """Share of the steps that all lines have in common, where they differ in their way to tell time
    alone: all ways take turns in these steps."""
    rates: tuple[float, ...]
    """Frames per second at which clips are read when asked about."""
    fixed_tower: bool
    """Whether a tower that is given stays as it is: where what differs does not concern it."""
    title: str
    """Of the plot."""
    about: str | None
    """What the command line says of itself."""


def run_table(subject: Subject, argv: list[str] | None, base: Recipe) -> int:
    """Run what is left, print the table, write NAME.json and the plot; returns the exit code."""
    args = _arguments(subject, argv, base)
    chosen = {name: subject.variants[name] for name in args.only}
    small = _small(args, replace(base, **subject.always), fixed_tower=subject.fixed_tower)
    found = run_all(trials(chosen, small, args.seeds), _setup(args), args.at_once)
    lines, blind = standings(found), blind_standings(found)
    sys.stdout.write(table(subject.name, lines, blind))
    write_json(args.run / f"{subject.name}.json", json_of(lines, blind) | {"recipe": asdict(small)})
    if args.plot:
        plot(subject.title, lines, blind).save(args.plot, optimize=True)
    return 0


def trials(
    variants: Mapping[str, Mapping[str, Any]], recipe: Recipe, seeds: Sequence[int]
) -> list[Trial]:
    """All seeds of all lines: one seed of every line, then the next."""
    return [
        Trial(name=name, recipe=replace(recipe, seed=seed, **changes))
        for seed in seeds
        for name, changes in variants.items()
    ]


def run_all(
    several: Sequence[Trial], setup: Setup, at_once: int = 1
) -> list[tuple[Trial, Answers]]:
    """Every trial with its answers; ``at_once`` of them run in processes of their own."""
    setup.folder.mkdir(parents=True, exist_ok=True)
    setup.cache.mkdir(parents=True, exist_ok=True)
    load_clips(setup.cache, "train", several[0].recipe.clips)
    held_out(setup)
    for recipe in {trial.recipe.seed: trial.recipe for trial in several}.values():
        if recipe.rules_in_turn:  # before processes, each of which would else train them
            train_shared(recipe, setup)
    run = partial(run_trial, setup=setup)
    if at_once == 1:
        return [(trial, run(trial)) for trial in several]
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        return list(zip(several, pool.map(run, several), strict=True))


def _small(args: argparse.Namespace, base: Recipe, *, fixed_tower: bool) -> Recipe:
    """The recipe at the budget of one trial; its warm-ups get shorter with it.

    Where a tower is given, windows are no longer than the clips that are asked about, and the tower
    may stay the same from start to end: a step costs half, and the decoder gets further.
    """
    warmup = max(1, min(base.warmup, args.steps // 12))
    in_turn = round(args.shared * args.steps)
    small = replace(base, steps=args.steps, clips=args.clips, warmup=warmup, rules_in_turn=in_turn)
    if not args.tower:
        return small
    begun = replace(small, vision_share=0.0, longest=ASKED_WINDOWS)
    return replace(begun, tower_until=0.0) if fixed_tower else begun


def _setup(args: argparse.Namespace) -> Setup:
    return Setup(
        folder=args.run,
        cache=args.cache,
        rates=tuple(args.rates),
        asked=args.asked,
        tower=args.tower,
        device=args.device,
        threads=args.threads,
        save_every=args.save_every,
    )


def _arguments(subject: Subject, argv: list[str] | None, base: Recipe) -> argparse.Namespace:
    program = f"python -m vidqa_nano.{subject.name}"
    parser = argparse.ArgumentParser(prog=program, description=subject.about)
    add = parser.add_argument
    add("--run", type=Path, required=True, help="folder of the trials and the table")
    add("--cache", type=Path, required=True, help="folder for drawn frames")
    add("--plot", type=Path, help="draw the table into this .png")
    add("--steps", type=int, default=base.steps // TENTH, help="of each trial, %(default)s")
    if subject.shared is None:
        parser.set_defaults(shared=0.0)
    else:
        told = "share of the steps that all lines have in common, %(default)s"
        add("--shared", type=float, default=subject.shared, help=told)
    add("--seeds", type=_listed(int), default=[1, 2], help="1,2")
    names = list(subject.variants)
    add("--only", type=_listed(str), default=names, help=f"some of {','.join(names)}")
    rates = ",".join(f"{fps:g}" for fps in subject.rates)
    add("--rates", type=_listed(float), default=list(subject.rates), help=f"asked at, {rates}")
    add("--asked", type=int, default=ASKED, help="held-out clips, %(default)s")
    add("--clips", type=int, default=base.clips, help="training clips, %(default)s")
    add("--tower", type=Path, help="begin with this checkpoint's tower")
    add("--at-once", type=int, default=1, help="trials that run at the same time")
    add("--threads", type=int, default=1, help="of each trial")
    add("--save-every", type=int, default=SAVE_EVERY)
    add("--device", default="cpu")
    args = parser.parse_args(argv)
    if unknown := set(args.only) - set(names):
        parser.error(f"--only {','.join(sorted(unknown))}: none of {', '.join(names)}")
    if args.tower and any("vision_share" in subject.variants[name] for name in args.only):
        parser.error("--tower leaves stage 1 out of every line: leave out the lines about it")
    return args


def _listed(kind: Callable[[str], T]) -> Callable[[str], list[T]]:
    """Reads values with commas between."""
    return lambda text: [kind(part.strip()) for part in text.split(",")]
