"""The account of a search: passes, time, a caller's stop.

A search that must stop raises :class:`Ended` at the next :meth:`Ledger.check`; whoever runs the
search catches it and tells what is known by then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from vidqa.effort import Effort
from vidqa.reply import OnText, Reply
from vidqa.results import EndedEarly, Pass


class Ended(Exception):  # noqa: N818 (no error: a search that stops in good order)
    """The search stops here; never leaves the pipeline."""

    def __init__(self, why: EndedEarly) -> None:
        super().__init__(why)
        self.why: EndedEarly = why


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


def speak_until(
    timer: Timer, hear: OnText, speak: Callable[[OnText], Reply]
) -> tuple[Reply, EndedEarly | None]:
    """The reply that ``speak`` gives, or the words that came before ``timer`` ended it, and why."""
    said: list[str] = []

    def listen(piece: str) -> None:
        said.append(piece)
        hear(piece)
        timer.check()

    try:
        timer.check()
        return speak(listen), None
    except Ended as end:
        return Reply(text="".join(said), pieces=(), logprobs=(), cut_short=True), end.why


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
