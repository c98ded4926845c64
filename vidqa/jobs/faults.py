"""Faults on order: ``VIDQA_FAULT=after_claim:kill`` ends a worker just there.

Jobs must survive the death of their worker at every moment; these are the moments at which that is
tried. Read by the worker's shell alone. ``after_claim:kill@/tmp/once`` happens once: the file is
made first, and where it is there already nothing happens.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vidqa.errors import SettingsError

Point = Literal[
    "after_claim", "while_loading", "while_working", "before_finish", "after_finish", "in_heartbeat"
]
Action = Literal["kill", "exit", "hang", "raise"]
POINTS: tuple[Point, ...] = get_args(Point)
ACTIONS: tuple[Action, ...] = get_args(Action)


class FaultError(Exception):
    """What ``raise`` raises: a bug, as far as a worker knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The fault that is ordered, if any."""

    point: Point | None = None
    action: Action = "kill"
    once: Path | None = None

    def at(self, point: Point) -> None:
        """This point is reached."""
        if point != self.point:
            return
        if self.once is not None:
            try:
                self.once.touch(exist_ok=False)
            except FileExistsError:
                return
        _act(self.action)


def faults_of(order: str | None) -> Faults:
    """``POINT:ACTION`` or ``POINT:ACTION@FILE``; None or nothing orders none.

    Raises :class:`SettingsError` for a point or an action that there is not.
    """
    if not order:
        return Faults()
    what, _, once = order.partition("@")
    point, _, action = what.partition(":")
    if point not in POINTS or action not in ACTIONS:
        raise SettingsError(
            f"VIDQA_FAULT cannot be {order!r}",
            code="fault_unknown",
            next_step=f"Write POINT:ACTION with one of {', '.join(POINTS)} and one of"
            f" {', '.join(ACTIONS)}.",
        )
    return Faults(
        point=point,
        action=action,
        once=Path(once) if once else None,
    )


def _act(action: Action) -> None:
    if action == "kill":
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        time.sleep(60)  # the signal is on its way
    if action == "exit":
        os._exit(3)
    if action == "hang":
        while True:
            time.sleep(1)
    raise FaultError("ordered by VIDQA_FAULT")
