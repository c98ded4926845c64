"""What a search found, as a result: events in; segments, outcome, coverage and provenance out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vidqa.calibration import curve_of
from vidqa.pipeline.closeup import Closeups
from vidqa.pipeline.look import facts_of
from vidqa.pipeline.merge import Event
from vidqa.pipeline.report import notes_of
from vidqa.pipeline.sight import Hunt
from vidqa.pipeline.skim import Skim
from vidqa.provenance import Coverage, EndedEarly, Looked, Pass, Provenance
from vidqa.results import GroundResult, Outcome, Segment
from vidqa.signs import Signs
from vidqa.timeline import Span, merge_overlapping


def ground_result(hunt: Hunt, skim: Skim | None, closeups: Closeups) -> GroundResult:
    """The answer to one query, the surest segment first."""
    events = hunt.events
    segments = [_segment_of(event, closeups) for event in events if event.is_sure]
    sure = sorted((s for s in segments if _is_found(s, closeups)), key=_by_surety)
    return GroundResult(
        outcome=_outcome(hunt, sure, doubted=len(sure) < len(events)),
        query=hunt.query,
        segments=tuple(sure),
        provenance=_provenance(hunt, skim, closeups),
        considered=tuple(hunt.considered),
    )


def nothing_seen(hunt: Hunt, closeups: Closeups, why: EndedEarly) -> GroundResult:
    """The result of a search that ended before anything was seen."""
    hunt.ledger.ended = why
    return ground_result(hunt, None, closeups)


def _segment_of(event: Event, closeups: Closeups) -> Segment:
    """An event as a segment, with the confidence that the checkpoint's calibration gives it."""
    signs = Signs(digits=event.digits, yes=event.yes, agreement=event.agreement)
    curve = curve_of(closeups.ctx.engine.calibration, "search")
    return Segment(
        span=event.span,
        score=signs.score,
        precision_s=event.precision_s * (curve.precision_factor if curve else 1.0),
        evidence=event.evidence,
        confidence=curve.probability(signs) if curve else None,
        signs=signs,
    )


def _coverage_of(looks: Sequence[Looked], closeups: Closeups) -> Coverage:
    """What all looks saw together: its hull, its share of the video, and its parts by rate."""
    looked = [replace(each, span=closeups.tail.cut(each.span)) for each in looks]
    spans = merge_overlapping(each.span for each in looked)
    duration_s = closeups.source.reader.info.duration_s
    hull = Span(spans[0].start_s, spans[-1].end_s) if spans else Span(0.0, 0.0)
    seen_s = sum(span.length_s for span in spans)
    rates = sorted({round(each.fps, 3) for each in looked})
    parts = tuple(
        Looked(span=span, fps=rate)
        for rate in rates
        for span in merge_overlapping(e.span for e in looked if round(e.fps, 3) == rate)
    )
    return Coverage(
        span=hull,
        fraction=min(1.0, seen_s / duration_s) if duration_s else 1.0,
        unreadable_from_s=closeups.tail.from_s,
        looked=parts,
    )


def _is_found(segment: Segment, closeups: Closeups) -> bool:
    curve = curve_of(closeups.ctx.engine.calibration, "search")
    return curve is None or (segment.confidence or 0.0) >= curve.found_from


def _by_surety(segment: Segment) -> tuple[float, float]:
    return -(segment.confidence or 0.0), -segment.score


def _outcome(hunt: Hunt, sure: Sequence[Segment], *, doubted: bool) -> Outcome:
    """A no needs a search that was done and left no doubt."""
    if sure:
        return "found"
    open_ended = hunt.ledger.ended is not None
    return "uncertain" if doubted or hunt.doubts or open_ended else "not_found"


def _provenance(hunt: Hunt, skim: Skim | None, closeups: Closeups) -> Provenance:
    engine, facts = closeups.ctx.engine, facts_of(closeups.source)
    familiar = skim.familiar if skim else hunt.familiar
    looked = [*([skim.looked] if skim else []), *hunt.ledger.looked]
    shared = skim.features if skim else "off"
    passes = [*([skim.cost] if skim else []), *_grouped(hunt.ledger.passes)]
    notes = notes_of(
        engine.identity,
        facts.kind,
        familiar=familiar,
        unreadable_from_s=closeups.tail.from_s,
        ended=hunt.ledger.ended,
        kept=dict.fromkeys([*(skim.notes if skim else ()), *hunt.ledger.notes]),
    )
    return Provenance(
        video=facts,
        coverage=_coverage_of(looked, closeups),
        passes=tuple(passes),
        model=engine.identity,
        reply=hunt.reply.text if hunt.reply else "",
        reply_kind=hunt.reply_kind,
        reply_tokens=len(hunt.reply.pieces) if hunt.reply else 0,
        reply_cut_short=hunt.reply is not None and hunt.reply.cut_short,
        cache=hunt.ledger.cache(shared),
        timings=closeups.clock.since(hunt.began),
        familiar=familiar,
        ended_early=hunt.ledger.ended,
        notes=notes,
    )


def _grouped(passes: Sequence[Pass]) -> list[Pass]:
    """Passes as they were, those of a thorough search (``window``) as one entry."""
    windows = [each for each in passes if each.stage == "window"]
    if not windows:
        return list(passes)
    hull = Span(windows[0].span.start_s, max(each.span.end_s for each in windows))
    one = Pass(
        stage="window",
        span=hull,
        fps=windows[0].fps,
        frames=sum(each.frames for each in windows),
        height=windows[0].height,
        width=windows[0].width,
        video_tokens=sum(each.video_tokens for each in windows),
        windows=len(windows),
        count=len(windows),
    )
    return [one, *(each for each in passes if each.stage != "window")]
