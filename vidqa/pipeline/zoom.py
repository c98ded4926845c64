"""From a candidate to a span at full rate: look, narrow, look again; then vote.

A vote is one more look at an event whose rows lie half a row beside those of the first, with the
event in its middle: it halves what rows hide, and shows ends that a window cut off.
"""

from __future__ import annotations

import math

from vidqa.pipeline.candidates import Candidate
from vidqa.pipeline.closeup import Closeups
from vidqa.pipeline.merge import Event, Sighting
from vidqa.pipeline.sight import Hunt, keep, sight
from vidqa.pipeline.windows import SHARES, around
from vidqa.timeline import Span

DEEPEST = 4
"""Looks from a candidate down to full rate: each is several times shorter than the one before."""
_FINE = 1.001


def zoom(candidate: Candidate, hunt: Hunt, closeups: Closeups) -> None:
    """Look at a candidate as closely as the precision needs."""
    found = _narrow(candidate.span, hunt, closeups, DEEPEST)
    keep(hunt, found, candidate.named_by, candidate.span)


def vote(event: Event, hunt: Hunt, closeups: Closeups) -> None:
    """Look at an event again while its looks are too few, or as many deny it as show it."""
    for share in SHARES:
        done = len(event.sightings) + event.refused
        if hunt.ledger.left < 1 or (done > 1 and event.is_sure and not event.is_cut):
            return
        hunt.ledger.check()
        window_s = closeups.ctx.engine.profile.reach.window_s
        span = beside(event, window_s, closeups.window, share)
        hunt.sightings += sight(closeups.at(span), hunt, closeups, "vote")
        again = [each for each in hunt.events if each.sightings[0] in event.sightings]
        event = next(iter(again), event)


def beside(event: Event, window_s: float, within: Span, share: float) -> Span:
    """A window with an event in its middle whose rows lie ``share`` of a row beside those of its
    first sighting. It is of ``window_s``, or as long as the event and a row on either side.
    """
    first = event.sightings[0]
    row_s = first.row_s
    fits = event.span.length_s + 2 * row_s <= window_s
    wide = around(event.span, 0.0 if fits else row_s, window_s, within)
    rows = math.floor((wide.start_s - first.seen.start_s) / row_s)
    start_s = first.seen.start_s + (rows + share) * row_s
    if start_s < within.start_s:
        start_s += row_s
    return Span(start_s, max(start_s, min(start_s + wide.length_s, within.end_s)))


def _narrow(span: Span, hunt: Hunt, closeups: Closeups, deeper: int) -> list[Sighting]:
    """Sightings at the rate wanted, or at the finest that the passes left allow."""
    hunt.ledger.check()
    look = closeups.at(span)
    found = sight(look, hunt, closeups, "zoom")
    row_s = look.plan.precision_s
    if not found or deeper <= 1 or row_s <= closeups.precision_s * _FINE:
        return found
    finer: list[Sighting] = []
    for each in found:
        if hunt.ledger.left < 1:
            finer.append(each)
            continue
        least_s = closeups.ctx.engine.profile.reach.window_s
        wide_s = each.span.length_s + 2 * row_s
        margin_s = row_s if wide_s > 2 * least_s else 0.0  # else a window at full rate holds it
        near = around(each.span, margin_s, least_s, closeups.window)
        if near.length_s > 0.9 * look.seen.length_s:
            finer.append(each)  # no narrower: the rate cannot rise any more
        else:
            hunt.seen.pop(each.look, None)  # a coarse look that the finer one replaces
            finer += _narrow(near, hunt, closeups, deeper - 1)
    return finer
