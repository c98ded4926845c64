"""Hits looked at again: does it happen there (verify), and when to the second (refine).

``hit -> its frames, decoded anew -> yes or no -> grounded inside, with a margin``
The two-way check is the one that a search inside a video makes; so is the grounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from vidqa.errors import ArchiveError, QueryError, VideoError
from vidqa.hits import Decision, Hit, Verdict, VideoRef
from vidqa.pipeline.candidates import shared
from vidqa.pipeline.ground import ground
from vidqa.pipeline.ledger import Ended, Timer
from vidqa.pipeline.look import Look
from vidqa.pipeline.retrieval.footage import Footage
from vidqa.pipeline.sight import YES_FROM
from vidqa.pipeline.tail import Unreadable
from vidqa.pipeline.windows import around
from vidqa.prompts import verify_prompt
from vidqa.provenance import EndedEarly
from vidqa.results import Outcome
from vidqa.search_results import SearchResult
from vidqa.timeline import Span

MARGIN_S = 2.0
"""Seen on both sides of a hit: half a stride of clips, so that no event is cut in two."""

_SAME = 0.5
"""Overlap over the shorter of two segments from which on they are one occurrence."""


class Inspected(NamedTuple):
    """Hits after a closer look."""

    hits: tuple[Hit, ...]
    ended: EndedEarly | None
    """Why not all of them were looked at."""


def inspected(
    result: SearchResult, footage: Footage, timer: Timer, *, verify: bool, refine: bool
) -> SearchResult:
    """The result with every hit of its page looked at: those that are confirmed come first, those
    that are denied last, otherwise in their order.

    Raises :class:`QueryError` where there are no words to look for.
    """
    if not (verify or refine):
        return result
    if result.kind != "text":
        raise QueryError(
            f"a hit cannot be verified by {'a picture' if result.kind == 'image' else 'a clip'}",
            code="verify_without_words",
            next_step="Search by words, or leave --verify and --refine out.",
        )
    told = inspect(result.hits, result.query, footage, timer, verify=verify, refine=refine)
    hits = once(told.hits)
    looked = [hit for hit in told.hits if hit.verdict or hit.refined]
    seen = [hit for hit in looked if hit.verdict is None or hit.verdict.decision != "unknown"]
    scope = replace(
        result.scope,
        looked_at=len(seen),
        looked_at_videos=len({hit.video.id for hit in seen}),
    )
    timings = dict(result.timings)
    timings |= footage.clock.seconds
    return replace(
        result,
        outcome=outcome_of(hits),
        hits=tuple(sorted(hits, key=_standing)),
        scope=scope,
        timings=timings,
        ended_early=told.ended,
        notes=(*result.notes, *_notes(told, len(told.hits) - len(hits))),
    )


def inspect(
    hits: Sequence[Hit],
    query: str,
    footage: Footage,
    timer: Timer,
    *,
    verify: bool,
    refine: bool,
) -> Inspected:
    """Each hit with its verdict, its segments, or both; in order, up to where the time ends."""
    timer.effort.halt.heeded = True
    done: list[Hit] = []
    ended: EndedEarly | None = None
    with footage.clock.stage("look", len(hits), timed=False) as step:
        for hit in hits:
            try:
                timer.check()
                done.append(_inspect(hit, query, footage, timer, verify=verify, refine=refine))
            except Ended as end:
                ended = end.why
                break
            step()
    return Inspected((*done, *hits[len(done) :]), ended)


def look_at_hit(video: VideoRef, span: Span, footage: Footage) -> Look:
    """The frames of a hit and a margin around it.

    Raises :class:`VideoError` and :class:`ArchiveError` where nobody can look.
    """
    closeups = footage.closeups(video)
    try:
        return closeups.at(around(span, MARGIN_S, 0.0, closeups.window))
    except Unreadable as err:
        raise VideoError(
            f"{video.path}: nothing decodes from {span.start_s:.3f} s on",
            code="undecodable",
            next_step="Check that the copy is complete, then index it again.",
        ) from err


def probability_in(look: Look, claim: str, footage: Footage) -> float:
    """Of the yes to ``claim``, among yes and no, in what a look shows."""
    engine = footage.ctx.engine
    with footage.clock.quiet().stage("text"):
        prompt = verify_prompt(claim, engine.profile)
        chosen = engine.choose(prompt, look.watched, engine.profile.verify_choices)
    return chosen.probabilities[0]


def verdict_of(probability: float) -> Verdict:
    """Confirmed from the same probability on as in a search inside a video."""
    decision: Decision = "confirmed" if probability >= YES_FROM else "denied"
    return Verdict(decision=decision, probability=probability)


def unseen(err: VideoError | ArchiveError) -> Verdict:
    """Nobody could look, and why."""
    return Verdict(
        decision="unknown",
        probability=None,
        code=err.code,
        reason=str(err),
        next_step=err.next_step,
    )


def outcome_of(hits: Sequence[Hit]) -> Outcome:
    """``found`` where a hit stands, ``not_found`` where all were denied, else ``uncertain``."""
    standings = [_standing(hit) for hit in hits]
    if any(standing == 0 for standing in standings):
        return "found"
    return "not_found" if all(standing == 2 for standing in standings) else "uncertain"


def once(hits: Sequence[Hit]) -> list[Hit]:
    """Hits without segments that a better one has, and without those that have no other."""
    kept: list[Hit] = []
    taken: dict[int, list[Span]] = {}
    for hit in hits:
        mine = taken.setdefault(hit.video.id, [])
        own = tuple(s for s in hit.segments if not any(_same(s.span, other) for other in mine))
        mine += [segment.span for segment in own]
        if own or not hit.segments:
            kept.append(replace(hit, segments=own))
    return kept


def _same(a: Span, b: Span) -> bool:
    return shared(a, b) >= _SAME


def _standing(hit: Hit) -> int:
    """0 for a hit that stands, 2 for one that was denied, 1 for what nobody knows."""
    told = []
    if hit.verdict is not None:
        told.append({"confirmed": 0, "unknown": 1, "denied": 2}[hit.verdict.decision])
    if hit.refined is not None:
        told.append({"found": 0, "uncertain": 1, "not_found": 2}[hit.refined])
    return told[0] if told and len(set(told)) == 1 else 1


def _inspect(
    hit: Hit, query: str, footage: Footage, timer: Timer, *, verify: bool, refine: bool
) -> Hit:
    try:
        if verify:
            look = look_at_hit(hit.video, hit.span, footage)
            hit = replace(hit, verdict=verdict_of(probability_in(look, query, footage)))
        if refine and not (hit.verdict and hit.verdict.decision == "denied"):
            hit = refined(hit, query, footage, timer)
    except (VideoError, ArchiveError) as err:
        return replace(hit, verdict=unseen(err))
    return hit


def refined(hit: Hit, query: str, footage: Footage, timer: Timer) -> Hit:
    """The hit with the query grounded inside it, by the pipeline that grounds any window.

    Segments that lie in the margin alone are another hit's, or none. Raises :class:`VideoError`
    and :class:`ArchiveError` where nobody can look.
    """
    closeups = footage.closeups(hit.video)
    window = around(hit.span, 2 * MARGIN_S, 0.0, closeups.window)
    told = ground(
        closeups.source.path,
        query,
        replace(footage.ctx, progress=footage.clock.quiet().progress),
        start_s=window.start_s,
        end_s=window.end_s,
        effort=timer.effort,
    )
    own = tuple(each for each in told.segments if each.span.overlaps(hit.span))
    outcome: Outcome = told.outcome if own or told.outcome != "found" else "not_found"
    return replace(hit, refined=outcome, segments=own)


def _notes(told: Inspected, twice: int) -> list[str]:
    notes = []
    if twice:
        notes.append(f"Hits left out that show what a better one shows: {twice}.")
    unknown = [hit for hit in told.hits if hit.verdict and hit.verdict.decision == "unknown"]
    if unknown:
        notes.append(f"Hits whose frames could not be looked at: {len(unknown)}.")
    if told.ended == "deadline":
        notes.append("The time was up before every hit was looked at.")
    if told.ended == "interrupted":
        notes.append("Interrupted before every hit was looked at.")
    return notes
