"""An answer from a long video that was skimmed: a question in, an answer and what it was read from
out.

Where a checkpoint bears frames from all over a video, one pass sees those picked by the question;
where it does not, the windows most like the question are asked one by one, and the answer best
confirmed is taken. Axes: W windows of the skim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vidqa.pipeline.candidates import Candidate, from_skim, in_turn
from vidqa.pipeline.closeup import Closeups
from vidqa.pipeline.context import Manner
from vidqa.pipeline.frames_by_query import at_rows, pick_moments
from vidqa.pipeline.ledger import speak_until
from vidqa.pipeline.look import Look, look_at
from vidqa.pipeline.marks import Marks, marks_of
from vidqa.pipeline.sight import YES_FROM, Hunt
from vidqa.pipeline.skim import Skim
from vidqa.pipeline.tail import Unreadable
from vidqa.pipeline.windows import around
from vidqa.prompts import ask_prompt, claim_text, embed_text_prompt, rewrite_prompt, verify_prompt
from vidqa.replies import ParsedAnswer, parse_answer
from vidqa.replies.times import find_times
from vidqa.reply import OnText, Reply, unheard
from vidqa.timeline import Span

ROWS = 64
"""Rows that one answer is read from, where frames come from all over a video."""
WINDOWS = 3
"""Windows asked, where they do not."""
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
    """What its own words cite, on the video's timeline, not yet verified."""
    window: Span | None = None
    """What it was read from, where that is one window."""
    yes: float = 0.0
    """Probability of a yes to the answer in that window."""
    whole: bool = True
    """Whether nothing ended it before the model or its limit did."""


def answer_from(
    question: str, skim: Skim, hunt: Hunt, closeups: Closeups, manner: Manner
) -> Answered:
    """The answer to ``question``; its words so far where the search must end meanwhile.

    Raises :class:`Ended` where it must end before anything was said, and :class:`Unreadable` where
    no window that was to be asked decodes.
    """
    likeness_W = _likeness(question, skim, closeups)
    whole = closeups.ctx.engine.profile.reach.whole
    seek = _from_everywhere if whole else _from_windows
    return seek(question, likeness_W, skim, hunt, closeups, manner)


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
    take = partial(
        look_at,
        closeups.source.path,
        closeups.ctx,
        closeups.clock.quiet(),
        start_s=skim.span.start_s,
        end_s=skim.span.end_s,
        source=closeups.source,
        seconds=_pairs(rows, skim),
    )
    look = closeups.tail.look(skim.span.start_s, take)
    return _asked(question, look, hunt, closeups, manner, manner.on_text)


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
    """The best confirmed of the answers from a few windows, each asked by itself.

    One that was broken off is taken only where there is no other.
    """
    ledger, best = hunt.ledger, None
    for each in _windows(question, likeness_W, skim, closeups):
        if best is None:
            ledger.check()
        elif ledger.timer.ended or ledger.left < 1:
            ledger.ended = ledger.timer.ended
            break
        try:
            look = closeups.at(each.span)
        except Unreadable:
            continue
        asked = retimed(question, look.seen)
        found = _asked(asked, look, hunt, closeups, manner, unheard)
        if found.whole and found.parsed.outcome == "found":
            yes = _yes_to(question, found, look, closeups)
            found = replace(found, window=look.seen, yes=yes)
        if best is None or (found.whole and found.yes > best.yes):
            best = found
        if ledger.ended:
            break
    if best is None:
        raise Unreadable
    manner.on_text(best.reply.text)
    return best


def _windows(
    question: str, likeness_W: NDArray[np.float64], skim: Skim, closeups: Closeups
) -> list[Candidate]:
    """Those around moments that the question names, then those most like it; a few."""
    least_s = closeups.ctx.engine.profile.reach.window_s
    named = [
        Candidate(around(Span(t, t), 0.0, least_s, skim.span), "question", promising=True)
        for t in moments_named(question, skim.span)
    ]
    ranking = [int(k) for k in np.argsort(-likeness_W, kind="stable")]
    like = from_skim(skim.places, ranking, {}, YES_FROM)
    return in_turn(named, like)[: len(named) or WINDOWS]


def _yes_to(question: str, found: Answered, look: Look, closeups: Closeups) -> float:
    """Probability of a yes to the answer in the window that it was read from."""
    engine = closeups.ctx.engine
    claim = claim_text(question, found.parsed.answer, engine.profile)
    with closeups.clock.quiet().stage("text"):
        prompt = verify_prompt(claim, engine.profile)
        chosen = engine.choose(prompt, look.watched, engine.profile.verify_choices)
    return chosen.probabilities[0]


def _asked(
    question: str, look: Look, hunt: Hunt, closeups: Closeups, manner: Manner, hear: OnText
) -> Answered:
    """What the model answers about one look; its words so far where the search must end."""
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
        reply, ended = speak_until(hunt.ledger.timer, hear, speak)
    hunt.ledger.ended = ended
    hunt.ledger.enter_look(look, "ask")
    hunt.ledger.asked(look.seen, reply.prefix)
    parsed = parse_answer(reply.text, window=look.model_window)
    return Answered(
        parsed=parsed,
        reply=reply,
        marks=marks_of(reply.text, look, ()),
        cited=tuple(look.to_file_span(span) for span in parsed.evidence),
        whole=ended is None,
    )
