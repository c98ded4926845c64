"""Which moments a contact sheet shows: some before, inside and after every span of the answer.

In: a duration and the answer's spans. Out: sorted times in seconds on the presentation timeline,
fit to be handed to ``read_frames``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from vidqa.errors import PlanError
from vidqa.timeline import Span, merge_overlapping

CONTEXT_MIN_S, CONTEXT_MAX_S = 2.0, 20.0
"""A side of context is as long as its span, within these bounds: far enough to see the change."""


def choose_sheet_times(duration_s: float, spans: Sequence[Span], count: int = 12) -> list[float]:
    """At most ``count`` different times in ``[0, duration_s)``, sorted.

    Each span gets an equal share (the longest get what is left over): a third before it, a third
    after it, the rest inside; where the video or the next span leaves no room outside, that share
    moves inside. More spans than ``count`` are thinned evenly. No span: the whole video, evenly.
    Raises :class:`PlanError` for a count below 1 or a duration that is not positive and finite.
    """
    _check(duration_s, count)
    whole = Span(0.0, duration_s)
    inside = [span.clamp(whole) for span in spans if span.overlaps(whole)]
    moments = _thin(merge_overlapping(inside), count)
    times = _around_all(moments, whole, count) if moments else _centres(whole, count)
    return sorted({min(t, math.nextafter(duration_s, 0.0)) for t in times})


def _around_all(moments: Sequence[Span], whole: Span, count: int) -> Iterable[float]:
    edges = [whole.start_s, *(edge for span in moments for edge in (span.start_s, span.end_s))]
    edges.append(whole.end_s)
    for k, (span, share) in enumerate(zip(moments, _shares(moments, count), strict=True)):
        before = Span(edges[2 * k], span.start_s)
        after = Span(span.end_s, edges[2 * k + 3])
        yield from _around(span, before, after, share)


def _around(span: Span, before: Span, after: Span, share: int) -> list[float]:
    """``share`` times about one span, using no more than the free room on its two sides."""
    reach_s = min(max(span.length_s, CONTEXT_MIN_S), CONTEXT_MAX_S)
    side = share // 3
    early = _centres(Span(max(before.start_s, span.start_s - reach_s), span.start_s), side)
    late = _centres(Span(span.end_s, min(after.end_s, span.end_s + reach_s)), side)
    return [*early, *_centres(span, share - len(early) - len(late)), *late]


def _centres(span: Span, parts: int) -> list[float]:
    """The middles of ``parts`` equal pieces; none of a span too short to hold a frame."""
    if span.length_s < 1e-3 and parts:
        return []
    return [span.start_s + span.length_s * (k + 0.5) / parts for k in range(parts)]


def _shares(spans: Sequence[Span], count: int) -> list[int]:
    """``count`` dealt out evenly, what is left over to the longest spans."""
    each, extra = divmod(count, len(spans))
    longest = sorted(range(len(spans)), key=lambda k: -spans[k].length_s)[:extra]
    return [each + (k in longest) for k in range(len(spans))]


def _thin(spans: Sequence[Span], count: int) -> list[Span]:
    if len(spans) <= count:
        return list(spans)
    return [spans[k * len(spans) // count] for k in range(count)]


def _check(duration_s: float, count: int) -> None:
    if count >= 1 and math.isfinite(duration_s) and duration_s > 0:
        return
    raise PlanError(
        f"no sheet of {count} frames can be made from {duration_s} s of video",
        code="sheet_impossible",
        next_step="Ask for at least one frame of a video that lasts longer than 0 s.",
    )
