"""How an answer came about, put together at the end of every pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.look import Look
from vidqa.reply import Reply
from vidqa.results import EndedEarly, Provenance, unfamiliar_note

ENDED_NOTES: Mapping[EndedEarly, str] = {
    "interrupted": "The search was interrupted; this is what was known by then.",
    "deadline": "The time was up before the search was done; this is what was known by then.",
    "passes": "The passes were used up with candidates left to look at.",
}


def provenance_of(
    look: Look,
    stage: str,
    reply: Reply,
    reply_kind: str,
    ctx: Context,
    clock: StageClock,
    notes: tuple[str, ...] = (),
    *,
    ended: EndedEarly | None = None,
) -> Provenance:
    """Video, coverage, cost, model and the model's own words of one pass."""
    engine = ctx.engine
    familiar = engine.is_familiar(look.watched)
    warned = (unfamiliar_note(engine.identity, look.video.kind),) if familiar is False else ()
    return Provenance(
        video=look.video,
        coverage=look.coverage,
        passes=(look.cost(stage),),
        model=engine.identity,
        reply=reply.text,
        reply_kind=reply_kind,
        cache={"features": look.features, "prefix": reply.prefix},
        timings=dict(clock.seconds),
        familiar=familiar,
        ended_early=ended,
        notes=(*warned, *_notes(look, reply, ended), *notes),
    )


def _notes(look: Look, reply: Reply, ended: EndedEarly | None) -> tuple[str, ...]:
    notes = []
    if look.unreadable_from_s is not None:
        notes.append(f"The file does not decode from {look.unreadable_from_s:.3f} s on.")
    if look.pictures > 1:
        notes.append(f"The file holds {look.pictures} pictures; only the first was looked at.")
    if ended:
        notes.append(ENDED_NOTES[ended])
    elif reply.cut_short:
        notes.append("The reply reached its length limit and may be incomplete.")
    return (*notes, *look.notes)
