"""What a pipeline runs with: the engine, how frames are chosen, where progress goes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vidqa.cache import RowStore
from vidqa.pipeline.planning import Sampling
from vidqa.reply import OnText, unheard
from vidqa.video import KnownFiles

if TYPE_CHECKING:  # the engine imports torch
    from vidqa.engine import Engine
    from vidqa.engine import Sampling as Draw

Progress = Callable[[str, int, int], None]
"""Called as ``(stage, done, total)``; the only way out for progress."""


def no_progress(stage: str, done: int, total: int) -> None:
    """For callers who do not watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything but the video and the question."""

    engine: Engine
    sampling: Sampling
    progress: Progress = no_progress
    features: RowStore | None = None
    """Where vision tokens are kept; ``None`` keeps none."""
    files: KnownFiles = field(default_factory=KnownFiles)
    """Files measured lately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a reply is spoken: what a caller may say about it beside the question."""

    system: str | None = None
    """In place of the profile's own system prompt."""
    sampling: Draw | None = None
    """How tokens are drawn; ``None`` takes the most probable."""
    max_tokens: int | None = None
    """Most new tokens; ``None`` is the profile's own limit."""
    stop: tuple[str, ...] = ()
    """Strings that end the reply."""
    on_text: OnText = unheard
    """Told the words as they come."""

    @property
    def plain(self) -> bool:
        """Whether every word is the most probable, up to where the model itself ends."""
        return not self.stop and (self.sampling is None or self.sampling.temperature == 0)

    def limit(self, usual: int) -> int:
        """Most new tokens where the profile's own limit is ``usual``."""
        return usual if self.max_tokens is None else self.max_tokens

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever reads the answer must know of how it was drawn."""
        drawn = self.sampling
        if drawn is None or drawn.temperature == 0:
            return ()
        seed = "no seed" if drawn.seed is None else f"seed {drawn.seed}"
        return (f"The reply was drawn at temperature {drawn.temperature:g}, {seed}.",)


@dataclass(slots=True)
class StageClock:
    """Wall seconds by stage, and progress calls at both ends of a stage and at its steps."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    def quiet(self) -> StageClock:
        """The same clock for the looks inside a stage: their time counts, their progress does not
        show."""
        return StageClock(no_progress, self.seconds)

    def since(self, before: Mapping[str, float]) -> dict[str, float]:
        """Seconds by stage beyond those of ``before``, an earlier state of ``seconds``."""
        later = {name: s - before.get(name, 0.0) for name, s in self.seconds.items()}
        return {name: s for name, s in later.items() if s > 0}

    @contextmanager
    def stage(
        self, name: str, steps: int = 1, *, timed: bool = True
    ) -> Iterator[Callable[[], None]]:
        """Time what runs inside as ``name``; also when it fails. Call what it gives at each step.

        ``steps`` is the most there may be: a stage that ends earlier is done all the same. One that
        holds stages of its own is not ``timed``: seconds would count twice.
        """
        self.progress(name, 0, steps)
        taken = itertools.count(1)

        def step() -> None:
            if (done := next(taken)) < steps:
                self.progress(name, done, steps)

        began_s = time.perf_counter()
        try:
            yield step
        finally:
            taken_s = time.perf_counter() - began_s
            if timed:
                self.seconds[f"{name}_s"] = self.seconds.get(f"{name}_s", 0.0) + taken_s
        self.progress(name, steps, steps)
