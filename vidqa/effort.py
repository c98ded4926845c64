"""How much may be spent on a question: bounds that a caller sets, and a way to stop a search."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from vidqa.errors import PlanError


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
    """Look at everything at the full rate, window by window, in place of a skim (ground)."""
    passes: int | None = None
    """Most passes for each question, beside the skim; ``None`` is the profile's own number, or no
    bound where the search is thorough."""
    precision_s: float | None = None
    """The precision wanted, in seconds: coarser is cheaper. ``None`` is a second (ground)."""
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

    def check_unsought(self) -> None:
        """Raise :class:`PlanError` for bounds that only a search for times has, where something
        else is asked: they would change nothing that was meant by them."""
        for name, value, given in (
            ("thorough", self.thorough, self.thorough),
            ("precision_s", self.precision_s, self.precision_s is not None),
        ):
            if given:
                raise PlanError(
                    f"{name} = {value} is for searches, and nothing is sought",
                    code="effort_without_search",
                    next_step="Leave it out, or ask when something happens (ground).",
                )

    def passes_of(self, usual: int) -> int | None:
        """Most passes of one question where the profile's own number is ``usual``."""
        return self.passes if self.passes is not None or self.thorough else usual
