"""When does it happen in hours of video: skim, candidates, close looks, a vote, one answer.

``skim (shared) -> coarse answer, likeness of vectors, scan of windows -> zoom -> vote -> merge``
The thorough way looks at every window at full rate in place of the first half. Whatever ends a
search early (a caller, a deadline, its passes), what is known by then is told, and marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from vidqa.budget import FRAMES_MAX, VIDEO_TOKENS_MAX
from vidqa.effort import Effort
from vidqa.pipeline.candidates import (
    Candidate,
    batches_of,
    by_likeness,
    from_coarse,
    from_skim,
    in_turn,
)
from vidqa.pipeline.closeup import Closeups
from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.found import ground_result, nothing_seen
from vidqa.pipeline.ledger import Ended, Ledger, Timer
from vidqa.pipeline.merge import Event
from vidqa.pipeline.sight import YES_FROM, Hunt, covers, keep, sight, times_of
from vidqa.pipeline.skim import Skim, skim_video
from vidqa.pipeline.tail import Unreadable
from vidqa.pipeline.windows import SCAN_SHARE, overlapping
from vidqa.pipeline.zoom import vote, zoom
from vidqa.prompts import embed_text_prompt, verify_prompt
from vidqa.provenance import Pass
from vidqa.replies import parse_spans
from vidqa.results import Considered, GroundResult
from vidqa.timeline import Span
from vidqa.video import KnownFile

UNPROMISING_MOST = 2
"""Candidates that the model itself did not name which are looked at while nothing is found."""


def search_video(
    source: KnownFile,
    window: Span,
    queries: Sequence[str],
    ctx: Context,
    clock: StageClock,
    *,
    timer: Timer,
    strict: bool,
) -> list[GroundResult]:
    """One result for each query, in order; they share the skim and all close looks."""
    effort = timer.effort
    effort.halt.heeded = True
    most = effort.passes_of(ctx.engine.profile.reach.passes)
    closeups = Closeups(source=source, ctx=ctx, clock=clock, effort=effort, window=window)
    hunts = [Hunt(query=q, strict=strict, ledger=Ledger(timer, most)) for q in queries]
    if effort.thorough:
        _look_everywhere(hunts, closeups)
        return [ground_result(hunt, None, closeups) for hunt in hunts]
    try:
        skim = skim_video(source, window, ctx, clock, timer, closeups.tail)
    except Ended as end:
        return [nothing_seen(hunt, closeups, end.why) for hunt in hunts]
    results = []
    with clock.stage("search", len(hunts), timed=False) as step:
        for number, hunt in enumerate(hunts):
            hunt.began = dict(clock.seconds) if number else {}  # the first one paid for the skim
            known = skim.again if number else skim
            _hunt(hunt, known, closeups)
            results.append(ground_result(hunt, known, closeups))
            step()
    return results


def _hunt(hunt: Hunt, skim: Skim, closeups: Closeups) -> None:
    """Search for one query; ends in good order, whatever ends it."""
    candidates: list[Candidate] = []
    try:
        skim.check()
        candidates = _candidates(hunt, skim, closeups)
        _zoom_all(candidates, hunt, closeups)
        _vote_all(hunt, closeups)
    except Ended as end:
        hunt.ledger.ended = end.why
    looked_at = {each.span for each in hunt.considered}
    hunt.considered += [
        Considered(span=each.span, named_by=each.named_by, confirmed=None)
        for each in candidates
        if each.promising and each.span not in looked_at
    ]


def _candidates(hunt: Hunt, skim: Skim, closeups: Closeups) -> list[Candidate]:
    """Where to look, the best first: the coarse answer and the windows of the skim in turn."""
    profile = closeups.ctx.engine.profile
    coarse = _coarse(hunt, skim, closeups) if profile.reach.whole else []
    query_QD = closeups.ctx.engine.embed_texts([embed_text_prompt(hunt.query, profile)])
    ranking = by_likeness(skim.vectors_WD, query_QD)
    odds = _scan(hunt, skim, ranking, closeups)
    return in_turn(coarse, from_skim(skim.places, ranking, odds, YES_FROM))


def _coarse(hunt: Hunt, skim: Skim, closeups: Closeups) -> list[Candidate]:
    """What the model says of the skim as one prompt."""
    hunt.ledger.check()
    reply, reach = times_of(skim.watched, hunt, closeups), closeups.ctx.engine.profile.reach
    hunt.ledger.enter(_again(skim.cost, "coarse", skim.span, 1, skim.watched.token_count))
    hunt.ledger.asked(skim.span, reply.prefix)
    parsed = parse_spans(reply.text, window=Span(0.0, skim.span.length_s))
    if hunt.reply is None:
        hunt.reply, hunt.reply_kind = reply, parsed.parse_kind
    spans = [span.shift(skim.span.start_s).clamp(skim.span) for span in parsed.spans]
    row_s = skim.span.length_s / max(1, len(skim.row_seconds))
    return from_coarse(spans, row_s, reach.window_s, skim.span)


def _scan(hunt: Hunt, skim: Skim, ranking: Sequence[int], closeups: Closeups) -> dict[int, float]:
    """The odds of a yes for the windows most like the query: as many as a third of the passes hold.

    Windows are asked in batches that each keep the bounds of one pass, on the skim's own tokens.
    """
    engine, ledger = closeups.ctx.engine, hunt.ledger
    per_row = skim.watched.token_count // len(skim.row_seconds)
    frames = closeups.ctx.sampling.grid.temporal
    sized = (
        (k, frames * rows, per_row * rows)
        for k in ranking
        for rows in (skim.windows[k].last - skim.windows[k].first,)
    )
    prompt, odds = verify_prompt(hunt.query, engine.profile), dict[int, float]()
    most = None if ledger.most is None else max(1, int(ledger.left) // SCAN_SHARE)
    batches = batches_of(sized, frames=FRAMES_MAX, tokens=VIDEO_TOKENS_MAX)
    for done, batch in enumerate(batches):
        if (most is not None and done >= most) or ledger.left < 1:
            break
        ledger.timer.check()
        windows = [skim.windows[k] for k in batch]
        with closeups.clock.quiet().stage("text"):
            chances = engine.choose_each(
                prompt, [skim.tokens_of(w) for w in windows], engine.profile.verify_choices
            )
        odds |= dict(zip(batch, chances[:, 0].tolist(), strict=True))
        rows = sum(w.last - w.first for w in windows)
        hull = Span(min(w.span.start_s for w in windows), max(w.span.end_s for w in windows))
        ledger.enter(_again(skim.cost, "scan", hull, len(batch), per_row * rows, frames * rows))
    return odds


def _zoom_all(candidates: Sequence[Candidate], hunt: Hunt, closeups: Closeups) -> None:
    """Look at candidates in order until nothing more is to be expected.

    All promising ones, a pass being kept for a vote; others only while nothing was found, and few.
    """
    others = 0
    for each in candidates:
        if not each.promising:
            others += 1
            if hunt.sightings or others > UNPROMISING_MOST:
                return
        if covers(hunt, each.span):
            continue
        kept = 1 if hunt.sightings else 0
        hunt.ledger.timer.check()
        if hunt.ledger.left < 1 + kept:
            if each.promising:
                hunt.ledger.ended = "passes"
            return
        with suppress(Unreadable):  # a candidate still, looked at by nobody
            zoom(each, hunt, closeups)


def _vote_all(hunt: Hunt, closeups: Closeups) -> None:
    """A second look at every event, the surest first, while passes are left."""
    for event in sorted(hunt.events, key=lambda e: -e.yes):
        if not _is_precise(event, closeups.effort):
            with suppress(Unreadable):
                vote(event, hunt, closeups)


def _is_precise(event: Event, effort: Effort) -> bool:
    """Whether one look shows both ends as precisely as the caller says is enough."""
    wanted_s = effort.precision_s
    return wanted_s is not None and event.precision_s <= wanted_s and not event.is_cut


def _look_everywhere(hunts: Sequence[Hunt], closeups: Closeups) -> None:
    """Every window at full rate, overlapping by half, asked all queries; then votes.

    Windows in a tail that does not decode are passed over: the tail is told with the result.
    """
    length_s = closeups.ctx.engine.profile.reach.window_s
    spans = overlapping(closeups.window, length_s)
    going = list(hunts)
    with closeups.clock.stage("search", len(spans), timed=False) as step:
        for span in spans:
            for hunt in list(going):
                try:
                    hunt.ledger.check()
                    found = sight(closeups.at(span), hunt, closeups, "window")
                except Unreadable:
                    break
                except Ended as end:
                    hunt.ledger.ended = end.why
                    going.remove(hunt)
                    continue
                if found:
                    keep(hunt, found, "scan", span)
            step()
    for hunt in going:
        _vote_last(hunt, closeups)


def _vote_last(hunt: Hunt, closeups: Closeups) -> None:
    try:
        _vote_all(hunt, closeups)
    except Ended as end:
        hunt.ledger.ended = end.why


def _again(
    cost: Pass, stage: str, span: Span, windows: int, tokens: int, frames: int | None = None
) -> Pass:
    """A pass over rows of the skim that were watched already."""
    return Pass(
        stage=stage,
        span=span,
        fps=cost.fps,
        frames=cost.frames if frames is None else frames,
        height=cost.height,
        width=cost.width,
        video_tokens=tokens,
        windows=windows,
    )
