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


def around(span: Span, margin_s: float, least_s: float, within: Span) -> Span:
    """``span`` with a margin on both sides, at least ``least_s`` long where ``within`` is."""
    half_s = max(span.length_s / 2 + margin_s, least_s / 2)
    start_s = max(within.start_s, min(span.middle_s - half_s, within.end_s - 2 * half_s))
    return Span(start_s, min(within.end_s, start_s + 2 * half_s))
