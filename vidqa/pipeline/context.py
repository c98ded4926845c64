"""What a pipeline runs with: the engine, how frames are chosen, where progress goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vidqa.pipeline.planning import Sampling

if TYPE_CHECKING:  # the engine imports torch
    from vidqa.engine import Engine

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


@dataclass(slots=True)
class StageClock:
    """Wall seconds by stage, and one progress call at each end of a stage."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside as ``name``; also when it fails."""
        self.progress(name, 0, 1)
        began_s = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[f"{name}_s"] = time.perf_counter() - began_s
        self.progress(name, 1, 1)
