"""Windows over a stretch of time, and how passes are shared out. Pure."""

from __future__ import annotations

from vidqa.timeline import Span

SCAN_SHARE = 3
"""One pass in so many goes into scanning windows of the skim."""
SHARES = (0.5, 0.25)
"""Of a row, by which the rows of each further look at one event lie beside those of the first: its
votes, at most."""


def overlapping(window: Span, length_s: float) -> list[Span]:
    """Windows of ``length_s`` that overlap by half and cover ``window``, in order of time."""
    if window.length_s <= length_s:
        return [window]
    starts, at_s = [], window.start_s
    while at_s + length_s < window.end_s - 1e-6:
        starts.append(at_s)
        at_s += length_s / 2
    return [Span(s, s + length_s) for s in starts] + [Span(window.end_s - length_s, window.end_s)]
