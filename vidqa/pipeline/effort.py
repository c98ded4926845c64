"""How much may be spent on a question, and the account of what was: passes, time, a caller's stop.

A search that must stop raises :class:`Ended` at the next :meth:`Ledger.check`; whoever runs the
search catches it and tells what is known by then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from vidqa.errors import PlanError
from vidqa.results import EndedEarly, Pass


class Ended(Exception):  # noqa: N818 (no error: a search that stops in good order)
    """The search stops here; never leaves the pipeline."""

    def __init__(self, why: EndedEarly) -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class Halt:
    """A caller's way to end a search early; safe to use from a signal handler."""

    asked: bool = False
    heeded: bool = False
    """A search is on that will look at ``asked`` and return what it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Bounds on a search; the default is what the checkpoint's profile holds right."""

    thorough: bool = False
    """Look at everything at the full rate, window by window, in place of a skim."""
    passes: int | None = None
    """Most passes for each question, beside the skim; ``None`` is the profile's own number, or no
    bound where the search is thorough."""
    precision_s: float | None = None
    """The precision wanted: coarser is cheaper. ``None`` is a second, or better where looks agree."""
    deadline_s: float | None = None
    """Seconds of wall time after which what is known is returned."""
    halt: Halt = field(default_factory=Halt)

    def __post_init__(self) -> None:
        for name in ("passes", "precision_s", "deadline_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise PlanError(
                    f"{name} cannot be {value}",
                    code="effort_impossible",
                    next_step="Give a number above 0, or leave it out.",
                )

    def passes_of(self, usual: int) -> int | None:
        """Most passes of one question where the profile's own number is ``usual``."""
        return self.passes if self.passes is not None or self.thorough else usual


@dataclass(slots=True)
class Timer:
    """When a whole call must end; one for all its questions."""

    effort: Effort
    now: Callable[[], float] = time.perf_counter
    began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_s = self.now()

    def check(self) -> None:
        """Raise :class:`Ended` when the caller wants an end or the time is up."""
        if self.effort.halt.asked:
            raise Ended("interrupted")
        limit_s = self.effort.deadline_s
        if limit_s is not None and self.now() - self.began_s >= limit_s:
            raise Ended("deadline")


@dataclass(slots=True)
class Ledger:
    """The passes that one question has had, and how many it still may."""

    timer: Timer
    most: int | None
    passes: list[Pass] = field(default_factory=list)
    ended: EndedEarly | None = None

    @property
    def spent(self) -> int:
        """Passes so far."""
        return sum(each.count for each in self.passes)

    @property
    def left(self) -> float:
        """Passes that may still be had; infinite where there is no bound."""
        return math.inf if self.most is None else self.most - self.spent

    def check(self, wanted: int = 1) -> None:
        """Raise :class:`Ended` unless ``wanted`` more passes may be had, and there is time."""
        self.timer.check()
        if self.left < wanted:
            raise Ended("passes")

    def enter(self, cost: Pass) -> None:
        """Account for a pass."""
        self.passes.append(cost)
