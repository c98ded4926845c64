"""Batches by number: which clips, windows and questions go into which step.

In: a recipe, drawn clips. Out: lists of :class:`vidqa_nano.windows.Sample`, and packed
(:class:`Maker`) all that a step needs of them. Several batches are
drawn together as a pool, sorted by length and cut so that each costs the same: a batch holds many
short clips or few long ones. A pool is decided by its number, its stage and its longest window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor

from vidqa_nano.asking import pose, pose_when
from vidqa_nano.clips import Clips
from vidqa_nano.contrast import claims
from vidqa_nano.grey import ASKED_MORE, greyed
from vidqa_nano.packing import Batch, Packer
from vidqa_nano.recipe import Recipe
from vidqa_nano.team import Team
from vidqa_nano.timing import TOKENS_PER_ROW, TimeRule
from vidqa_nano.windows import Sample, cut_sample, draw_window
from vidqa_nano.world import Rng

POOL = 4
"""Batches drawn together."""
PROMPT_TOKENS, QUESTION_TOKENS = 6, 26
"""About how long the fixed part and a question with its reply are."""


class Course(NamedTuple):
    """What decides a pool beside its number."""

    stage: int
    longest_s: float

    @classmethod
    def of(cls, recipe: Recipe, step: int, elapsed_s: float) -> Course:
        """The course of the pool that ``step`` is in, begun when that time had been used."""
        progress = recipe.progress(step - step % POOL, elapsed_s)
        return cls(recipe.stage(progress), recipe.longest_s(progress))


class Ready(NamedTuple):
    """A step's batch, and what is told of its clips, by all workers. Axes: E, N, C as in
    :mod:`vidqa_nano.contrast`."""

    batch: Batch
    """This worker's part."""
    happens_EC: Tensor
    claimed_NC: Tensor
    told: list[int]
    """Numbers of the samples that are embedded."""


class Pools:
    """The batches of a run; the last pool is kept."""

    def __init__(self, recipe: Recipe, clips: Clips) -> None:
        self.recipe, self.clips = recipe, clips
        posed = pose_when if recipe.only_when else pose
        self._cut_sample = partial(cut_sample, clips, posed=posed)
        self._kept: tuple[int, Course] | None = None
        self._batches: list[list[Sample]] = []

    def batch(self, step: int, course: Course) -> list[Sample]:
        """The samples of batch number ``step``: the same every time."""
        pool, place = divmod(step, POOL)
        if self._kept != (pool, course):
            self._batches, self._kept = self._draw(pool, course), (pool, course)
        return self._batches[place]

    def _draw(self, pool: int, course: Course) -> list[list[Sample]]:
        rng = np.random.default_rng([self.recipe.seed, 7, pool])
        room = POOL * (self.recipe.vision_rows if course.stage == 1 else self.recipe.tokens)
        samples: list[Sample] = []
        while room > 0:
            samples.append(self._sample(course, rng))
            room -= self.cost(samples[-1], course.stage)
        samples.sort(key=lambda sample: len(sample.row_seconds))
        batches = self._cut(samples, course.stage)
        return [batches[i] for i in rng.permutation(POOL)]

    def _sample(self, course: Course, rng: Rng) -> Sample:
        index = int(rng.integers(len(self.clips)))
        window = draw_window(self.clips.stories[index], rng, course.longest_s)
        asked = self.recipe.questions if course.stage == 2 else 0
        if rng.random() < self.recipe.grey:
            cut = self._cut_sample(index, window, rng, asked * ASKED_MORE)
            return greyed(cut, rng, asked)
        embeds = course.stage == 2 and self.recipe.has_vectors
        return self._cut_sample(index, window, rng, asked, embed=embeds)

    def cost(self, sample: Sample, stage: int) -> int:
        """Rows in stage 1, about the decoder's tokens in stage 2.

        Times in words are not counted: batches are the same under every rule.
        """
        rows = len(sample.row_seconds)
        if stage == 1:
            return rows
        return PROMPT_TOKENS + rows * TOKENS_PER_ROW + QUESTION_TOKENS * len(sample.questions)

    def _cut(self, samples: list[Sample], stage: int) -> list[list[Sample]]:
        """As many parts as a pool has batches, in order, each of about the same cost."""
        costs = np.cumsum([self.cost(sample, stage) for sample in samples])
        part = np.minimum((costs - costs[0]) * POOL // costs[-1], POOL - 1)
        return [[samples[i] for i in np.flatnonzero(part == k)] for k in range(POOL)]


class Source(Protocol):
    """Where steps get their batches."""

    def ready(self, step: int, course: Course) -> Ready:
        """The batch of step number ``step``."""
        ...


class Maker:
    """Draws and packs a batch when it is asked for, under the rule of its step."""

    def __init__(self, pools: Pools, packers: Mapping[TimeRule, Packer], team: Team) -> None:
        self.pools, self.packers, self.team = pools, packers, team

    def ready(self, step: int, course: Course) -> Ready:
        """The batch of step number ``step``: the same every time."""
        samples = self.pools.batch(step, course)
        if not self.pools.recipe.embeds(course.stage, step):
            samples = [_without_texts(sample) for sample in samples]
        told = [number for number, sample in enumerate(samples) if sample.texts]
        packer = self.packers[self.pools.recipe.rule_at(step)]
        return Ready(packer.pack(self.team.part(samples)), *claims(samples), told)


def _without_texts(sample: Sample) -> Sample:
    """A sample that is not embedded."""
    asked = [question for question in sample.questions if question.task != "embed"]
    return replace(sample, questions=asked, texts=[])
