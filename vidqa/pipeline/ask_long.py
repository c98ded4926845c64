"""A question about hours of video: skim, look where the question points, answer, prove it.

Where a checkpoint bears frames from all over a video, one pass sees those picked by the question;
where it does not, the windows most like the question are asked one by one, and the answer best
confirmed is taken. Every span that is shown as evidence was verified by a close look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vidqa.pipeline.candidates import Candidate, around, by_likeness, from_skim, in_turn
from vidqa.pipeline.closeup import Closeups
from vidqa.pipeline.context import Context, Manner, StageClock
from vidqa.pipeline.found import ground_result, nothing_seen
from vidqa.pipeline.frames_by_query import at_rows, pick_moments
from vidqa.pipeline.ledger import Ended, Ledger, Timer, speak_until
from vidqa.pipeline.look import Look, look_at
from vidqa.pipeline.marks import Marks, marks_of
from vidqa.pipeline.sight import YES_FROM, Hunt, covers
from vidqa.pipeline.skim import Skim, skim_video
from vidqa.pipeline.zoom import zoom
from vidqa.prompts import (
    ask_prompt,
    claim_text,
    embed_text_prompt,
    rewrite_prompt,
    verify_prompt,
)
from vidqa.replies import ParsedAnswer, parse_answer
from vidqa.replies.times import find_times
from vidqa.reply import OnText, Reply, unheard
from vidqa.results import AskResult
from vidqa.timeline import Span
from vidqa.video import KnownFile

ROWS = 64
"""Rows that one answer is read from, where frames come from all over a video."""
WINDOWS = 3
"""Windows asked, where they do not."""
CITED_MOST = 3
"""Spans that an answer cites which are verified."""
_ROW_S = 0.5
"""Distance of the two frames of a picked row, where the skim's own are further apart."""
_REWRITE_TOKENS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, what was seen for it, and where it may be proved."""

    parsed: ParsedAnswer
    reply: Reply
    marks: Marks
    cited: tuple[Span, ...]
    """On the video's timeline, not yet verified."""
    yes: float = 0.0
    """Probability of a yes to the answer in the window that it was read from."""


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
        skim = skim_video(source, window, ctx, clock, timer)
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
    whole = closeups.ctx.engine.profile.reach.whole
    seek = _from_everywhere if whole else _from_windows
    try:
        skim.check()
        likeness_W = _likeness(question, skim, closeups)
        with closeups.clock.stage("ask", timed=False):
            found = seek(question, likeness_W, skim, hunt, closeups, manner)
        with closeups.clock.stage("evidence", timed=False):
            _prove(question, found, skim, hunt, closeups)
    except Ended as end:
        hunt.ledger.ended = end.why
    return _result(question, found, hunt, skim, closeups, manner, None)


def moments_named(question: str, within: Span) -> list[float]:
    """Seconds that the question names with a unit or as a clock, inside ``within``."""
    return [t.seconds for t in find_times(question) if t.scale and within.contains(t.seconds)]


def retimed(question: str, window: Span) -> str:
    """The question with every time it names that lies in ``window`` counted from its start: that is
    what a model which sees the window alone can answer."""
    told, at = [], 0
    for time in find_times(question):
        if not (time.scale and window.contains(time.seconds)):
            continue
        told += [question[at : time.start], f"{time.seconds - window.start_s:.1f} seconds"]
        at = time.end
    return "".join([*told, question[at:]])


def _likeness(question: str, skim: Skim, closeups: Closeups) -> NDArray[np.float64]:
    """How like the question, or what would answer it, every window of the skim is, (W,)."""
    engine = closeups.ctx.engine
    texts = [question]
    if engine.profile.rewrite:
        with closeups.clock.quiet().stage("text"):
            prompt = rewrite_prompt(question, engine.profile)
            said = engine.reply(prompt, (), max_new_tokens=_REWRITE_TOKENS).text
        texts += [said] if said.strip() else []
    vectors_QD = engine.embed_texts([embed_text_prompt(t, engine.profile) for t in texts])
    found: NDArray[np.float64] = (skim.vectors_WD @ vectors_QD.T).max(axis=1).astype(np.float64)
    return found


def _from_everywhere(
    question: str,
    likeness_W: NDArray[np.float64],
    skim: Skim,
    hunt: Hunt,
    closeups: Closeups,
    manner: Manner,
) -> Answered:
    """One pass over the rows that the question picks, and those around moments that it names."""
    hunt.ledger.check()
    middles = [w.span.middle_s for w in skim.windows]
    scores = at_rows(skim.row_seconds, middles, likeness_W.tolist())
    for t_s in moments_named(question, skim.span):
        near = np.abs(np.asarray(skim.row_seconds) - t_s).argsort()[:4]
        scores[near] = scores.max() + 1.0
    count = min(ROWS, closeups.ctx.sampling.budget.frames // 2)
    picks = pick_moments(skim.row_seconds, scores.tolist(), count)
    rows = [skim.row_seconds[k] for k in picks]
    look = look_at(
        closeups.source.path,
        closeups.ctx,
        closeups.clock.quiet(),
        start_s=skim.span.start_s,
        end_s=skim.span.end_s,
        source=closeups.source,
        seconds=_pairs(rows, skim),
    )
    reply = _say(question, look, hunt, closeups, manner, manner.on_text)
    hunt.ledger.enter_look(look, "ask")
    hunt.ledger.asked(look.seen, reply.prefix)
    return _answered(reply, look)


def _pairs(rows: Sequence[float], skim: Skim) -> list[float]:
    """Both frames of each row: the row's own time, and half a second later where there is room."""
    nexts = [*rows[1:], skim.span.end_s]
    pairs = zip(rows, nexts, strict=True)
    return [t for a, b in pairs for t in (a, a + min(_ROW_S, max(0.0, b - a) / 2))]


def _from_windows(
    question: str,
    likeness_W: NDArray[np.float64],
    skim: Skim,
    hunt: Hunt,
    closeups: Closeups,
    manner: Manner,
) -> Answered:
    """The best confirmed of the answers from a few windows, each asked by itself."""
    reach, engine = closeups.ctx.engine.profile.reach, closeups.ctx.engine
    named = [
        Candidate(around(Span(t, t), 0.0, reach.window_s, skim.span), "question", promising=True)
        for t in moments_named(question, skim.span)
    ]
    ranking = [int(k) for k in np.argsort(-likeness_W, kind="stable")]
    most = len(named) or WINDOWS
    best: Answered | None = None
    for each in in_turn(named, from_skim(skim.windows, ranking, {}, YES_FROM))[:most]:
        if best is not None:
            hunt.ledger.ended = hunt.ledger.ended or hunt.ledger.timer.ended
            if hunt.ledger.ended or hunt.ledger.left < 1:
                break
        hunt.ledger.check()
        look = closeups.at(each.span)
        reply = _say(retimed(question, look.seen), look, hunt, closeups, manner, unheard)
        hunt.ledger.enter_look(look, "ask")
        hunt.ledger.asked(look.seen, reply.prefix)
        found = _answered(reply, look)
        if found.parsed.outcome == "found":
            with closeups.clock.quiet().stage("text"):
                claim = claim_text(question, found.parsed.answer, engine.profile)
                prompt = verify_prompt(claim, engine.profile)
                chosen = engine.choose(prompt, look.watched, engine.profile.verify_choices)
            yes = chosen.probabilities[0]
            found = replace(found, yes=yes, cited=found.cited or (look.seen,))
        if best is None or found.yes > best.yes:
            best = found
    if best is None:
        raise Ended("passes")
    manner.on_text(best.reply.text)
    return best


def _say(
    question: str, look: Look, hunt: Hunt, closeups: Closeups, manner: Manner, hear: OnText
) -> Reply:
    """The reply about one look; its words so far where the search must end meanwhile."""
    engine = closeups.ctx.engine
    most = manner.limit(engine.profile.ask_tokens)

    def speak(hear: OnText) -> Reply:
        return engine.reply(
            ask_prompt(question, engine.profile, system=manner.system),
            look.watched,
            max_new_tokens=most,
            stop=manner.stop,
            on_text=hear,
            sampling=manner.sampling,
        )

    with closeups.clock.quiet().stage("text"):
        reply, hunt.ledger.ended = speak_until(hunt.ledger.timer, hear, speak)
    return reply


def _answered(reply: Reply, look: Look) -> Answered:
    parsed = parse_answer(reply.text, window=look.model_window)
    cited = tuple(look.to_file_span(span) for span in parsed.evidence)
    return Answered(parsed=parsed, reply=reply, marks=marks_of(reply.text, look, ()), cited=cited)


def _prove(question: str, found: Answered, skim: Skim, hunt: Hunt, closeups: Closeups) -> None:
    """Look closely at what the answer cites, or where the skim is most like it; keep what holds."""
    if found.parsed.outcome != "found":
        return
    profile = closeups.ctx.engine.profile
    hunt.query = claim_text(question, found.parsed.answer, profile)
    least_s = profile.reach.window_s
    cited = [
        Candidate(around(span, 0.0, least_s, skim.span), "answer", promising=True)
        for span in found.cited[:CITED_MOST]
    ]
    query_QD = closeups.ctx.engine.embed_texts([embed_text_prompt(hunt.query, profile)])
    ranking = by_likeness(skim.vectors_WD, query_QD)[:WINDOWS]
    others = [Candidate(skim.windows[k].span, "vectors", promising=False) for k in ranking]
    for each in in_turn(cited) or in_turn(others):
        if hunt.ledger.left < 1:
            return
        if not covers(hunt, each.span):
            zoom(each, hunt, closeups)


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
        dropped = len(found.cited) - len(told.segments)
        if found.cited and dropped > 0:
            notes.append(f"Spans that the answer cited and no close look confirmed: {dropped}.")
    reply = found.reply.text if found else ""
    kind = found.parsed.parse_kind if found else "empty"
    provenance = replace(told.provenance, notes=tuple(notes), reply=reply, reply_kind=kind)
    return AskResult(
        outcome=found.parsed.outcome if found else "uncertain",
        question=question,
        answer=found.parsed.answer if found else "",
        evidence=told.segments,
        provenance=provenance,
        marks=found.marks.placed if found else (),
    )
