"""One look asked one query: does it happen, and if so when. A look in, sightings out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vidqa.pipeline.candidates import shared
from vidqa.pipeline.closeup import Closeups
from vidqa.pipeline.ledger import Ledger
from vidqa.pipeline.look import Look
from vidqa.pipeline.merge import Event, Sighting, merge_sightings
from vidqa.prompts import ground_prompt, verify_prompt
from vidqa.replies import parse_spans
from vidqa.replies.grammar import reply_grammar
from vidqa.reply import Reply
from vidqa.results import Considered
from vidqa.timeline import Span

if TYPE_CHECKING:  # the engine imports torch
    from vidqa.engine import Watched

YES_FROM = 0.5
"""Probability of a yes, among yes and no, from which on a window is worth a question for times."""


@dataclass(slots=True, kw_only=True)
class Hunt:
    """The search for one query: what was spent, what was seen."""

    query: str
    strict: bool
    ledger: Ledger
    sightings: list[Sighting] = field(default_factory=list)
    seen: dict[int, Span] = field(default_factory=dict)
    """The window of every close look, by number."""
    considered: list[Considered] = field(default_factory=list)
    doubts: int = 0
    """Windows in which the model said yes and could not say when."""
    reply: Reply | None = None
    """The last words about times; those of the best sighting once there is one."""
    reply_kind: str = ""
    best_yes: float = 0.0
    familiar: bool | None = None
    """Whether any close look showed familiar footage, in a search without a skim."""
    began: Mapping[str, float] = field(default_factory=dict)
    """Seconds by stage that were spent for questions before this one."""

    @property
    def events(self) -> list[Event]:
        """What was seen, made one from all looks."""
        return merge_sightings(self.sightings, self.seen)


def sight(look: Look, hunt: Hunt, closeups: Closeups, stage: str) -> list[Sighting]:
    """What ``look`` shows of the query; the pass is accounted for, the sightings are not kept.

    A no is no sighting; neither is a yes for which the model names no time, which is a doubt.
    """
    number = len(hunt.ledger.looked)
    hunt.ledger.enter_look(look, stage)
    if closeups.effort.thorough and not hunt.familiar:  # a search asks its skim, which is more
        hunt.familiar = closeups.ctx.engine.is_familiar(look.watched)
    yes = _yes(look, hunt, closeups)
    reply = times_of(look.watched, hunt, closeups) if yes >= YES_FROM else None
    hunt.seen[number] = look.seen  # only now: a look that was broken off denies nothing
    if reply is None:
        return []
    parsed = parse_spans(reply.text, window=look.model_window)
    if hunt.reply is None or (parsed.spans and yes >= hunt.best_yes):
        hunt.reply, hunt.reply_kind = reply, parsed.parse_kind
    if not parsed.spans:
        hunt.doubts += 1
        return []
    hunt.best_yes = max(hunt.best_yes, yes)
    return [
        Sighting(
            span=span,
            seen=look.seen,
            row_s=look.plan.precision_s,
            digits=reply.score,
            yes=yes,
            look=number,
            evidence=look.evidence(span),
        )
        for span in map(look.to_file_span, parsed.spans)
    ]


def keep(hunt: Hunt, found: list[Sighting], named_by: str, span: Span) -> None:
    """Take the sightings of a candidate into account, or that there were none."""
    hunt.sightings += found
    hunt.considered.append(Considered(span=span, named_by=named_by, confirmed=bool(found)))


def covers(hunt: Hunt, span: Span) -> bool:
    """Whether a close look has shown nearly all of ``span`` already."""
    return any(shared(span, seen) > 0.9 and seen.length_s >= span.length_s * 0.9
               for seen in hunt.seen.values())  # fmt: skip


def _yes(look: Look, hunt: Hunt, closeups: Closeups) -> float:
    engine = closeups.ctx.engine
    hunt.ledger.timer.check()
    with closeups.clock.quiet().stage("text"):
        prompt = verify_prompt(hunt.query, engine.profile)
        chosen = engine.choose(prompt, look.watched, engine.profile.verify_choices)
    hunt.ledger.asked(look.seen, chosen.prefix)
    return chosen.probabilities[0]


def times_of(watched: Watched, hunt: Hunt, closeups: Closeups) -> Reply:
    """What the model says of when the query happens in what was watched."""
    engine = closeups.ctx.engine
    profile, timer = engine.profile, hunt.ledger.timer
    held = engine.constraint(reply_grammar(profile.reply_format)) if hunt.strict else None
    with closeups.clock.quiet().stage("text"):
        return engine.reply(
            ground_prompt(hunt.query, profile),
            watched,
            max_new_tokens=profile.ground_tokens,
            constraint=held,
            on_text=lambda _: timer.check(),
        )
