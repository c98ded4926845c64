"""How an answer came about, put together at the end of every pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.look import Look
from vidqa.provenance import EndedEarly, Provenance, SourceKind, unfamiliar_note
from vidqa.reply import Reply

_ENDED: Mapping[EndedEarly, str] = {
    "interrupted": "The search was interrupted; this is what was known by then.",
    "deadline": "The time was up before the search was done; this is what was known by then.",
    "passes": "The passes were used up with candidates left to look at.",
}


def notes_of(
    model: str,
    kind: SourceKind,
    *,
    familiar: bool | None,
    unreadable_from_s: float | None,
    ended: EndedEarly | None,
    about: Iterable[str] = (),
    kept: Iterable[str] = (),
) -> tuple[str, ...]:
    """What a careful reader should know, the most important first.

    ``about`` is what else there is to say of what was seen and said; ``kept`` what went wrong with
    keeping tokens.
    """
    notes = [unfamiliar_note(model, kind)] if familiar is False else []
    if unreadable_from_s is not None:
        notes.append(f"The file does not decode from {unreadable_from_s:.3f} s on.")
    notes += about
    if ended:
        notes.append(_ENDED[ended])
    return (*notes, *kept)


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
    told = notes_of(
        engine.identity,
        look.video.kind,
        familiar=familiar,
        unreadable_from_s=look.unreadable_from_s,
        ended=ended,
        about=_about(look, reply, ended),
        kept=look.notes,
    )
    return Provenance(
        video=look.video,
        coverage=look.coverage,
        passes=(look.cost(stage),),
        model=engine.identity,
        reply=reply.text,
        reply_kind=reply_kind,
        reply_tokens=len(reply.pieces),
        reply_cut_short=reply.cut_short,
        cache={"features": look.features, "prefix": reply.prefix},
        timings=dict(clock.seconds),
        familiar=familiar,
        ended_early=ended,
        notes=(*told, *notes),
    )


def _about(look: Look, reply: Reply, ended: EndedEarly | None) -> list[str]:
    notes = []
    if look.pictures > 1:
        notes.append(f"The file holds {look.pictures} pictures; only the first was looked at.")
    if reply.cut_short and not ended:
        notes.append("The reply reached its length limit and may be incomplete.")
    return notes
