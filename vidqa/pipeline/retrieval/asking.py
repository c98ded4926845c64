"""A question to many videos: retrieve, look, answer, verify, and one answer with citations out.

``question -> hits -> frames of each -> happens or not, when | an answer, verified -> together``
A question for how often, whether or when is answered by what was verified and grounded; any other
is put to the model about each stretch, and what it answers is verified there. Nothing is said that
no look confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vidqa.archive.filing import EVERYTHING
from vidqa.archive.records import Filter
from vidqa.errors import ArchiveError, QueryError, VideoError
from vidqa.hits import Hit
from vidqa.pipeline.ask import answered
from vidqa.pipeline.context import Manner
from vidqa.pipeline.embedder import Embedder
from vidqa.pipeline.ledger import Ended, Timer, speak_until
from vidqa.pipeline.many import Said
from vidqa.pipeline.retrieval.combining import (
    Asked,
    Seen,
    found_nothing,
    of_occurrences,
    of_words,
)
from vidqa.pipeline.retrieval.footage import Footage
from vidqa.pipeline.retrieval.queries import Words
from vidqa.pipeline.retrieval.search_options import SearchOptions
from vidqa.pipeline.retrieval.searcher import Searcher
from vidqa.pipeline.retrieval.verifying import (
    look_at_hit,
    once,
    probability_in,
    refined,
    unseen,
    verdict_of,
)
from vidqa.pipeline.retrieval.wording import kind_of, statement_of
from vidqa.prompts import ask_prompt, claim_text, require_words, rewrite_prompt
from vidqa.provenance import EndedEarly
from vidqa.reply import OnText, Reply, unheard
from vidqa.search_results import ArchiveAnswer, Citation, SearchResult

LOOKS = 8
"""Stretches that an open question is put to."""
LOOKS_FOR_ALL = 24
"""Stretches looked at to see how often, whether or when something happens."""
PATIENCE = 6
"""Denials in a row after which no more is expected further down the ranking."""
_REWRITE_TOKENS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOptions:
    """How an archive is asked."""

    where: Filter = EVERYTHING
    looks: int | None = None
    """Most stretches looked at; by default few for an open question, more where all that happens
    is sought."""

    def __post_init__(self) -> None:
        if self.looks is not None and self.looks < 1:
            raise QueryError(
                f"{self.looks} stretches to look at",
                code="looks_impossible",
                next_step="Give one or more, or leave it out.",
            )


def ask_archive(
    question: str,
    searcher: Searcher,
    embedder: Embedder,
    footage: Footage,
    timer: Timer,
    options: AskOptions | None = None,
) -> ArchiveAnswer:
    """The answer to ``question`` from the videos that ``options.where`` lets count.

    Raises :class:`QueryError` on a blank question, :class:`ArchiveError` as a search does. A video
    that cannot be looked at is told beside the answer.
    """
    options, kind = options or AskOptions(), kind_of(require_words(question))
    usual = LOOKS if kind == "open" else LOOKS_FOR_ALL
    most = options.looks or usual
    statement = _statement(question, footage)
    found = searcher.search(
        Words(question, (statement,)),
        embedder,
        SearchOptions(where=options.where, limit=most, match="any"),
    )
    if not found.hits:
        return found_nothing(question, found)
    timer.effort.halt.heeded = True
    if kind == "open":
        asked = _each(found.hits, timer, footage, lambda hit: _ask(question, hit, footage, timer))
        return of_words(question, asked, _timed(found, footage))
    claim = _claim(question, statement, footage)
    asked = _each(
        found.hits,
        timer,
        footage,
        lambda hit: _occurs(claim, statement, hit, footage, timer),
        patience=PATIENCE,
    )
    kept = once([each.hit for each in asked.seen])
    asked = replace(asked, seen=tuple(Citation(hit=hit, answer="") for hit in kept))
    return of_occurrences(question, kind, asked, _timed(found, footage))


def _statement(question: str, footage: Footage) -> str:
    """What would be seen: in the model's words where it can say it, else by rule."""
    engine = footage.ctx.engine
    if engine.profile.rewrite:
        with footage.clock.quiet().stage("text"):
            prompt = rewrite_prompt(question, engine.profile)
            said = engine.reply(prompt, (), max_new_tokens=_REWRITE_TOKENS).text.strip()
        if said:
            return said
    return statement_of(question)


def _claim(question: str, statement: str, footage: Footage) -> str:
    """What is verified of a stretch where it is asked whether something happens."""
    profile = footage.ctx.engine.profile
    if profile.rewrite or "{question}" not in profile.claim:
        return statement
    return claim_text(question, "Yes.", profile)


def _each(
    hits: Sequence[Hit],
    timer: Timer,
    footage: Footage,
    look: Callable[[Hit], Citation],
    patience: int | None = None,
) -> Asked:
    """Every hit looked at, the most likely first, until time or patience ends."""
    seen: list[Citation] = []
    ended: EndedEarly | None = None
    denied = 0
    with footage.clock.stage("look", len(hits), timed=False) as step:
        for hit in hits:
            try:
                timer.check()
                seen.append(look(hit))
            except Ended as end:
                ended = end.why
                break
            denied = denied + 1 if seen[-1].hit.denied else 0
            step()
            if patience is not None and denied >= patience:
                break
    enough = patience is not None and denied >= patience
    return Asked(seen=tuple(seen), ended=ended, enough=enough)


def _occurs(claim: str, statement: str, hit: Hit, footage: Footage, timer: Timer) -> Citation:
    """Whether it happens in a stretch, and when."""
    try:
        look = look_at_hit(hit.video, hit.span, footage)
        hit = replace(hit, verdict=verdict_of(probability_in(look, claim, footage)))
        if not hit.denied:
            hit = refined(hit, statement, footage, timer)
    except (VideoError, ArchiveError) as err:
        hit = replace(hit, verdict=unseen(err))
    return Citation(hit=hit, answer="")


def _ask(question: str, hit: Hit, footage: Footage, timer: Timer) -> Citation:
    """What a stretch answers, and whether it shows that."""
    engine, clock = footage.ctx.engine, footage.clock.quiet()
    try:
        look = look_at_hit(hit.video, hit.span, footage)
    except (VideoError, ArchiveError) as err:
        return Citation(hit=replace(hit, verdict=unseen(err)), answer="")

    def speak(hear: OnText) -> Reply:
        return engine.reply(
            ask_prompt(question, engine.profile),
            look.watched,
            max_new_tokens=engine.profile.ask_tokens,
            on_text=hear,
        )

    with clock.stage("text"):
        said = Said(*speak_until(timer, unheard, speak))
    if said.ended:
        raise Ended(said.ended)
    told = answered(question, said, look, footage.ctx, clock, Manner())
    if told.outcome != "found":
        return Citation(hit=replace(hit, verdict=verdict_of(0.0)), answer=told.answer)
    claim = claim_text(question, told.answer, engine.profile)
    verdict = verdict_of(probability_in(look, claim, footage))
    return Citation(hit=replace(hit, verdict=verdict, segments=told.evidence), answer=told.answer)


def _timed(found: SearchResult, footage: Footage) -> Seen:
    return Seen(found, {**found.timings, **footage.clock.seconds})
