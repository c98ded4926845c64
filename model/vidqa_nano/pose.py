"""What a pose needs to know of the events: where the actor faces, how high it is, how far along."""

from __future__ import annotations

import math

from vidqa_nano.world import Actor, Event

FRONT_Y = 0.96
"""Where the things on the near floor or on the road stand."""
_RAMP_S = 0.5


def heading(actor: Actor, t_s: float) -> float:
    """1 when the actor faces right, -1 left: the direction of the last move begun."""
    facing = actor.look["heading"]
    for event in actor.events:
        if event.start_s > t_s:
            break
        if event.kind.endswith("_left"):
            facing = -1.0
        elif event.kind.endswith("_right"):
            facing = 1.0
    return facing


def hop(event: Event | None, kind: str, t_s: float, rate: float, height: float) -> float:
    """How far above the ground the actor is while it jumps or bounces; 0 otherwise."""
    if event is None or event.kind != kind:
        return 0.0
    return height * abs(math.sin(math.pi * rate * (t_s - event.start_s)))


def swell(event: Event, t_s: float) -> float:
    """0 to 1 and back to 0 over an event: there in its second quarter and its third."""
    return min(1.0, 4 * event.progress(t_s), 4 * (1 - event.progress(t_s)))


def strength(actor: Actor, t_s: float) -> float:
    """0 at rest, 1 in an event, half a second from one to the other inside the event."""
    event = actor.acting(t_s)
    if event is None:
        return 0.0
    return min(1.0, (t_s - event.start_s) / _RAMP_S, (event.end_s - t_s) / _RAMP_S)


def acted_s(actor: Actor, t_s: float) -> float:
    """Seconds the actor has spent in its events so far."""
    return sum(max(0.0, min(t_s, event.end_s) - event.start_s) for event in actor.events)
