"""What several looks saw of an event, made one: spans in, the span that they agree on out. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vidqa.pipeline.candidates import shared
from vidqa.results import Evidence
from vidqa.timeline import Span

NO_LOOKS: Mapping[int, Span] = {}
_SAME = 0.5
"""Overlap over the shorter of two spans from which on both are sightings of one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An event as one look showed it."""

    span: Span
    seen: Span
    """The window of the look: an end at its edge may be the window's and not the event's."""
    row_s: float
    """Distance of the look's rows."""
    digits: float
    """Geometric mean of the probabilities of the digits that were written, 0 to 1."""
    yes: float
    """Probability of the yes to the same window, among yes and no."""
    look: int
    """Number of the look, so that two events of one look stay two."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event and how well it is known."""

    span: Span
    sightings: tuple[Sighting, ...]
    refused: int
    """Looks that should have shown it and did not."""
    agreement: float | None
    """Mean overlap (IoU) of what the looks showed, 0 to 1, a refusal counting 0; ``None`` of one
    look alone."""
    precision_s: float
    """Distance of rows in the finest look, or how far a sighting lies off, whichever is more."""

    @property
    def yes(self) -> float:
        """Mean probability of a yes."""
        return statistics.fmean(each.yes for each in self.sightings)

    @property
    def digits(self) -> float:
        """Geometric mean over the sightings."""
        return statistics.geometric_mean(max(each.digits, 1e-9) for each in self.sightings)

    @property
    def is_sure(self) -> bool:
        """Whether more looks showed it than did not."""
        return len(self.sightings) > self.refused

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Of the sighting that is nearest to the span agreed on."""
        return max(self.sightings, key=lambda each: each.span.iou(self.span)).evidence

    @property
    def is_cut(self) -> bool:
        """Whether no look shows both of its ends inside the window."""
        starts, ends = (_whole(self.sightings, edge) for edge in ("start", "end"))
        return not (starts and ends)


def merge_sightings(
    sightings: Sequence[Sighting], looks: Mapping[int, Span] = NO_LOOKS
) -> list[Event]:
    """Sightings of one event together, in order of time.

    Two of different looks are one event when they overlap by half of the shorter. ``looks`` are the
    windows of all looks by number: one that holds an event, a row's room around it, and shows
    nothing of it refuses it.
    """
    groups: list[list[Sighting]] = []
    for each in sorted(sightings, key=lambda s: s.span):
        home = next((group for group in groups if _same(each, group)), None)
        if home is None:
            groups.append([each])
        else:
            home.append(each)
    events = (event_of(group, looks) for group in groups)
    return sorted(events, key=lambda event: event.span)


def event_of(sightings: Sequence[Sighting], looks: Mapping[int, Span] = NO_LOOKS) -> Event:
    """The median of the starts and of the ends, of looks in which that end is not the window's."""
    starts = _whole(sightings, "start") or [s.span.start_s for s in sightings]
    ends = _whole(sightings, "end") or [s.span.end_s for s in sightings]
    start_s, end_s = statistics.median(starts), statistics.median(ends)
    span = Span(min(start_s, end_s), max(start_s, end_s))
    off_s = max(*(abs(s - span.start_s) for s in starts), *(abs(s - span.end_s) for s in ends), 0.0)
    row_s = min(s.row_s for s in sightings)
    saw = {s.look for s in sightings}
    refused = sum(
        seen.start_s <= span.start_s - row_s and span.end_s + row_s <= seen.end_s
        for number, seen in looks.items()
        if number not in saw
    )
    return Event(
        span=span,
        sightings=tuple(sightings),
        refused=refused,
        agreement=_agreement([s.span for s in sightings], refused),
        precision_s=max(row_s, off_s),
    )


def _same(each: Sighting, group: Sequence[Sighting]) -> bool:
    if any(each.look == other.look for other in group):
        return False
    return any(shared(each.span, other.span) >= _SAME for other in group)


def _whole(sightings: Sequence[Sighting], edge: str) -> list[float]:
    """Starts, or ends, further than a row from the edge of their look's window."""
    if edge == "start":
        return [s.span.start_s for s in sightings if s.span.start_s >= s.seen.start_s + s.row_s]
    return [s.span.end_s for s in sightings if s.span.end_s <= s.seen.end_s - s.row_s]


def _agreement(spans: Sequence[Span], refused: int) -> float | None:
    pairs = [a.iou(b) for k, a in enumerate(spans) for b in spans[k + 1 :]]
    pairs += [0.0] * (len(spans) * refused)
    return statistics.fmean(pairs) if pairs else None
