"""A question about hours of video: skim, look where the question points, answer, prove it.

``skim (shared) -> answer (answering) -> close looks at what it cites -> one result``
Every span that is shown as evidence was verified by a close look.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from vidqa.pipeline.answering import WINDOWS, Answered, answer_from
from vidqa.pipeline.candidates import Candidate, by_likeness, in_turn
from vidqa.pipeline.closeup import Closeups
from vidqa.pipeline.context import Context, Manner, StageClock
from vidqa.pipeline.found import ground_result, nothing_seen
from vidqa.pipeline.ledger import Ended, Ledger, Timer
from vidqa.pipeline.sight import Hunt, covers
from vidqa.pipeline.skim import Skim, skim_video
from vidqa.pipeline.tail import Unreadable
from vidqa.pipeline.windows import around
from vidqa.pipeline.zoom import zoom
from vidqa.prompts import claim_text, embed_text_prompt
from vidqa.reply import unheard
from vidqa.results import AskResult, Outcome, Segment
from vidqa.timeline import Span
from vidqa.video import KnownFile

CITED_MOST = 3
"""Spans that an answer cites which are verified."""


def ask_long(
    source: KnownFile,
    window: Span,
    questions: Sequence[str],
    ctx: Context,
    clock: StageClock,
    *,
    timer: Timer,
    manner: Manner,
) -> list[AskResult]:
    """Answer each of ``questions`` from a video longer than one pass is trusted with; they share
    the skim and all close looks. Words are told as they come where one question is asked."""
    effort = timer.effort
    effort.halt.heeded = True
    usual = ctx.engine.profile.reach.passes
    most = effort.passes_of(usual)
    hunts = [Hunt(query=q, strict=False, ledger=Ledger(timer, most)) for q in questions]
    closeups = Closeups(source=source, ctx=ctx, clock=clock, effort=effort, window=window)
    how = manner if len(questions) == 1 else replace(manner, on_text=unheard)
    try:
        skim = skim_video(source, window, ctx, clock, timer, closeups.tail)
    except Ended as end:
        return [_result(hunt.query, None, hunt, None, closeups, how, end) for hunt in hunts]
    results = []
    for number, (question, hunt) in enumerate(zip(questions, hunts, strict=True)):
        hunt.began = dict(clock.seconds) if number else {}  # the first one paid for the skim
        results.append(_search(question, hunt, skim.again if number else skim, closeups, how))
    return results


def _search(question: str, hunt: Hunt, skim: Skim, closeups: Closeups, manner: Manner) -> AskResult:
    """The answer to one question; ends in good order, whatever ends it."""
    found: Answered | None = None
    try:
        skim.check()
        with closeups.clock.stage("ask", timed=False):
            found = answer_from(question, skim, hunt, closeups, manner)
        if found.whole and found.parsed.outcome == "found":
            with closeups.clock.stage("evidence", timed=False):
                _prove(question, found, skim, hunt, closeups)
    except Ended as end:
        hunt.ledger.ended = end.why
    except Unreadable:  # the result says from where on the file does not decode
        pass
    return _result(question, found, hunt, skim, closeups, manner, None)


def _prove(question: str, found: Answered, skim: Skim, hunt: Hunt, closeups: Closeups) -> None:
    """Look closely at where the answer may be proved; keep what holds."""
    hunt.query = claim_text(question, found.parsed.answer, closeups.ctx.engine.profile)
    for each in _places(found, hunt.query, skim, closeups):
        if hunt.ledger.left < 1:
            return
        if not covers(hunt, each.span):
            with suppress(Unreadable):
                zoom(each, hunt, closeups)


def _places(found: Answered, claim: str, skim: Skim, closeups: Closeups) -> list[Candidate]:
    """What the answer cites; else what it was read from; else where the skim is most like it."""
    profile = closeups.ctx.engine.profile
    cited = found.cited[:CITED_MOST]
    if spans := cited or ((found.window,) if found.window else ()):
        why, least_s = "answer" if cited else "question", profile.reach.window_s
        wide = [around(span, 0.0, least_s, skim.span) for span in spans]
        return in_turn([Candidate(span, why, promising=True) for span in wide])
    query_QD = closeups.ctx.engine.embed_texts([embed_text_prompt(claim, profile)])
    ranking = by_likeness(skim.vectors_WD, query_QD)[:WINDOWS]
    return in_turn([Candidate(skim.places[k], "vectors", promising=False) for k in ranking])


def _unconfirmed(found: Answered, hunt: Hunt, shown: Sequence[Segment]) -> int:
    """How many of the cited spans no close look confirmed, or nobody looked at."""
    held = [
        each.span
        for each in hunt.considered
        if each.named_by == "answer" and any(s.span.overlaps(each.span) for s in shown)
    ]
    middles = [span.middle_s for span in found.cited]
    return sum(not any(p.start_s <= t_s <= p.end_s for p in held) for t_s in middles)


def _outcome(found: Answered | None) -> Outcome:
    return found.parsed.outcome if found and found.whole else "uncertain"


def _result(
    question: str,
    found: Answered | None,
    hunt: Hunt,
    skim: Skim | None,
    closeups: Closeups,
    manner: Manner,
    end: Ended | None,
) -> AskResult:
    """The answer with its evidence; a ground result of the claim holds everything else."""
    told = nothing_seen(hunt, closeups, end.why) if end else ground_result(hunt, skim, closeups)
    notes = [*told.provenance.notes, *manner.notes]
    if found is not None:
        notes += found.marks.notes
        if dropped := _unconfirmed(found, hunt, told.segments):
            notes.append(f"Spans that the answer cited and no close look confirmed: {dropped}.")
    reply = found.reply.text if found else ""
    kind = found.parsed.parse_kind if found else "empty"
    provenance = replace(
        told.provenance,
        notes=tuple(notes),
        reply=reply,
        reply_kind=kind,
        reply_tokens=len(found.reply.pieces) if found else 0,
        reply_cut_short=found is not None and found.reply.cut_short,
    )
    return AskResult(
        outcome=_outcome(found),
        question=question,
        answer=found.parsed.answer if found else "",
        evidence=told.segments,
        provenance=provenance,
        marks=found.marks.placed if found else (),
    )
