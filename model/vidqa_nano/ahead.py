"""Batches made ready by processes of their own, pools ahead of the step that takes them.

A card takes a step in about the time that a processor needs to draw and pack its batch, so one
process that does both in turn takes twice as long. It is for a run of one worker: several draw for
themselves. In: a recipe, the folder of drawn clips, a number of processes. Out: the batches that
:class:`vidqa_nano.drawing.Maker` makes, to the bit.
"""

from __future__ import annotations

import os
import pickle
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

import torch

from qwen25vl import ModelConfig
from vidqa_nano.clips import load_clips
from vidqa_nano.config import nano_config
from vidqa_nano.drawing import POOL, Course, Maker, Pools, Ready
from vidqa_nano.make_tokenizer import make_tokenizer
from vidqa_nano.packing import packers_of
from vidqa_nano.recipe import Recipe
from vidqa_nano.team import Team

POOLS_AHEAD = 2
"""Pools that each process may be ahead by."""

Key = tuple[int, Course]


@dataclass(frozen=True, slots=True)
class _Order:
    """What a process must know."""

    recipe: Recipe
    cache: Path


class Ahead:
    """A source of batches with ``processes`` at work behind it, until it is closed."""

    def __init__(self, recipe: Recipe, cache: Path, processes: int) -> None:
        self.recipe, self.depth = recipe, POOLS_AHEAD * processes
        self._pools: dict[Key, Future[bytes]] = {}
        self._now: tuple[Key, list[Ready]] | None = None
        context, order = get_context("spawn"), _Order(recipe, cache)
        self._workers = ProcessPoolExecutor(processes, context, _begin, (order,))

    def ready(self, step: int, course: Course) -> Ready:
        """The batch of step number ``step``; waits for the process that makes it."""
        pool, place = divmod(step, POOL)
        if self._now is None or self._now[0] != (pool, course):
            self._order(pool, course)
            made = self._pools.pop((pool, course)).result()
            self._now = ((pool, course), pickle.loads(made))  # noqa: S301
        return self._now[1][place]

    def close(self) -> None:
        """End the processes; what they were making is lost."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _order(self, pool: int, course: Course) -> None:
        """Have this pool made and the ones that should come next; forget all others.

        A run that counts minutes may reach the next course sooner: what was made for it then is
        made anew.
        """
        wanted = [(pool, course)]
        for later in range(pool + 1, pool + 1 + self.depth):
            ahead = course if self.recipe.minutes else Course.of(self.recipe, later * POOL, 0.0)
            wanted.append((later, ahead))
        for key in self._pools.keys() - wanted:
            self._pools.pop(key).cancel()
        for key in wanted:
            if key not in self._pools:
                self._pools[key] = self._workers.submit(_make, *key)


_kept: list[Maker] = []
"""In a process that makes pools, its maker: an executor leaves it no other place."""


def _begin(order: _Order) -> None:
    """Get a process ready to make pools, and end it when the one that asked for it is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    tokenizer = make_tokenizer()
    config = ModelConfig.from_json(nano_config(tokenizer))
    clips = load_clips(order.cache, "train", order.recipe.clips)
    packers = packers_of(order.recipe.rules, tokenizer, config)
    _kept.append(Maker(Pools(order.recipe, clips), packers, Team()))


def _make(pool: int, course: Course) -> bytes:
    """All batches of a pool, pickled here: tensors would else go one by one through shared memory,
    each with a file of its own."""
    (maker,), first = _kept, pool * POOL
    return pickle.dumps([maker.ready(step, course) for step in range(first, first + POOL)])


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)
