"""The account of a search: passes, time, a caller's stop.

A search that must stop raises :class:`Ended` at the next :meth:`Ledger.check`; whoever runs the
search catches it and tells what is known by then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vidqa.effort import Effort
from vidqa.provenance import EndedEarly, Looked, Pass
from vidqa.reply import UNSAID, CacheState, OnText, Reply, combined
from vidqa.timeline import Span

if TYPE_CHECKING:  # a look needs the decoder's libraries, an account does not
    from vidqa.pipeline.look import Look


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

    @property
    def ended(self) -> EndedEarly | None:
        """Why the call must end now, if it must."""
        if self.effort.halt.asked:
            return "interrupted"
        limit_s = self.effort.deadline_s
        late = limit_s is not None and self.now() - self.began_s >= limit_s
        return "deadline" if late else None

    def check(self) -> None:
        """Raise :class:`Ended` when the caller wants an end or the time is up."""
        if why := self.ended:
            raise Ended(why)


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
        return replace(UNSAID, text="".join(said)), end.why


@dataclass(slots=True)
class Ledger:
    """The passes that one question has had, and how many it still may."""

    timer: Timer
    most: int | None
    passes: list[Pass] = field(default_factory=list)
    ended: EndedEarly | None = None
    looked: list[Looked] = field(default_factory=list)
    """Every close look, in order."""
    features: dict[Span, CacheState] = field(default_factory=dict)
    """Of each window, whether its vision tokens were at hand at the first look."""
    prefixes: dict[Span, CacheState] = field(default_factory=dict)
    """Of each window, whether its keys and values were at hand at the first question."""
    notes: dict[str, None] = field(default_factory=dict)
    """What went wrong with keeping tokens, each once."""

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

    def enter_look(self, look: Look, stage: str) -> None:
        """Account for a pass over frames of its own."""
        self.enter(look.cost(stage))
        self.looked.append(Looked(span=look.seen, fps=look.plan.fps))
        self.features.setdefault(look.seen, look.features)
        self.notes |= dict.fromkeys(look.notes)

    def asked(self, seen: Span, prefix: CacheState) -> None:
        """The model was asked about a window; only the first time tells what was kept before."""
        self.prefixes.setdefault(seen, prefix)

    def cache(self, shared: CacheState = "off") -> dict[str, CacheState]:
        """What was kept of all that was seen, looks ``shared`` with other questions included."""
        return {
            "features": combined([shared, *self.features.values()]),
            "prefix": combined(self.prefixes.values()),
        }
