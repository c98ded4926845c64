"""What many stretches of video say, made one answer that says what it rests on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from vidqa.pipeline.retrieval.wording import QuestionKind
from vidqa.provenance import EndedEarly
from vidqa.results import Outcome
from vidqa.search_results import ArchiveAnswer, Citation, Scope, SearchResult
from vidqa.timeline import format_timecode

_NUMBERS = {1: "Once", 2: "Twice"}
_SHOWN = 3
"""Moments that an answer names itself; all are cited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The stretches that were looked at, the most likely first."""

    seen: tuple[Citation, ...]
    ended: EndedEarly | None
    """Why not all of them were looked at."""
    enough: bool
    """Whether so many in a row were denied that no more is to be expected."""


class Seen(NamedTuple):
    """The search behind an answer, and the seconds that all of it took."""

    found: SearchResult
    timings: Mapping[str, float]


def found_nothing(question: str, found: SearchResult) -> ArchiveAnswer:
    """The answer of an archive in which nothing matches the filter."""
    return ArchiveAnswer(
        outcome="not_found",
        question=question,
        answer="The archive holds no answer: no clip matches.",
        citations=(),
        others=(),
        count=None,
        at_least=False,
        scope=found.scope,
        model=found.model,
        timings=found.timings,
        notes=found.notes,
    )


def of_occurrences(question: str, kind: QuestionKind, asked: Asked, seen: Seen) -> ArchiveAnswer:
    """How often, whether or when it happens, by the occurrences that were verified and grounded.

    ``at_least``: stretches that are as likely were not looked at, or could not be.
    """
    sure = [each for each in asked.seen if each.confirmed and each.hit.refined == "found"]
    others = [each for each in asked.seen if each not in sure]
    count = sum(len(each.hit.segments) for each in sure)
    unknown = sum(_unknown(each) for each in others)
    doubted = [each for each in others if each.confirmed]
    everything = asked.enough or seen.found.total <= len(seen.found.hits)
    open_ended = bool(unknown) or asked.ended is not None or not everything
    outcome: Outcome = "found" if count else "uncertain" if unknown or doubted else "not_found"
    if not count and asked.ended is not None:
        outcome = "uncertain"
    told = _occurrences(kind, sure, count, open_ended) if count else _nothing(outcome, asked, seen)
    notes = _notes(asked, unknown)
    if doubted:
        notes.append(
            f"Stretches that were confirmed but in which no second could be found: {len(doubted)};"
            " they are not counted."
        )
    copies = sum(len(each.hit.also_in) for each in sure)
    if copies:
        notes.append(f"Copies of the same footage, counted once: {copies}.")
    answer = _answer(question, told, outcome, sure, others, asked, seen, notes)
    counted = count if kind == "count" else None
    return replace(answer, count=counted, at_least=open_ended if kind == "count" else False)


def of_words(question: str, asked: Asked, seen: Seen) -> ArchiveAnswer:
    """The answer that was confirmed most: answers that are the same words are one, and each counts
    with the probability that it was confirmed with."""
    groups: dict[str, list[Citation]] = {}
    for each in asked.seen:
        if each.confirmed:
            groups.setdefault(_plain(each.answer), []).append(each)
    ordered = sorted(groups.values(), key=lambda group: -sum(map(_surety, group)))
    best = sorted(ordered[0], key=lambda each: -_surety(each)) if ordered else []
    others = [each for each in asked.seen if each not in best]
    unknown = sum(_unknown(each) for each in others)
    outcome: Outcome = "found" if best else "uncertain" if unknown or asked.ended else "not_found"
    notes = _notes(asked, unknown)
    if len(ordered) > 1:
        notes.append(f"Other answers were confirmed in other stretches: {len(ordered) - 1}.")
    told = best[0].answer if best else _nothing(outcome, asked, seen)
    return _answer(question, told, outcome, best, others, asked, seen, notes)


def _answer(
    question: str,
    told: str,
    outcome: Outcome,
    sure: Sequence[Citation],
    others: Sequence[Citation],
    asked: Asked,
    seen: Seen,
    notes: Sequence[str],
) -> ArchiveAnswer:
    found = seen.found
    return ArchiveAnswer(
        outcome=outcome,
        question=question,
        answer=told,
        citations=tuple(sure),
        others=tuple(others),
        count=None,
        at_least=False,
        scope=_scope(found.scope, asked),
        model=found.model,
        timings=seen.timings,
        ended_early=asked.ended,
        notes=(*found.notes, *notes),
    )


def _scope(scope: Scope, asked: Asked) -> Scope:
    looked = [each for each in asked.seen if not _unknown(each)]
    videos = {each.hit.video.id for each in looked}
    return replace(scope, looked_at=len(looked), looked_at_videos=len(videos))


def _occurrences(kind: QuestionKind, sure: Sequence[Citation], count: int, open_ended: bool) -> str:
    moments = [(each.hit.video.name, span) for each in sure for span in each.hit.spans]
    videos = len({each.hit.video.id for each in sure})
    where = "in one video" if videos == 1 else f"in {videos} videos"
    if kind == "count":
        times = _NUMBERS.get(count, f"{count} times")
        least = f"At least {times.lower()}" if open_ended else times
        return f"{least}, {where}."
    named = ", ".join(f"{name} at {format_timecode(s.start_s)}" for name, s in moments[:_SHOWN])
    more = f" and {len(moments) - _SHOWN} more" if len(moments) > _SHOWN else ""
    return f"Yes: {named}{more}." if kind == "whether" else f"{named}{more}."


def _nothing(outcome: Outcome, asked: Asked, seen: Seen) -> str:
    looked = _scope(seen.found.scope, asked)
    what = f"{looked.looked_at} stretches of {looked.looked_at_videos} videos were looked at"
    if outcome == "uncertain":
        return f"No clear answer: {what}, and not all that was to be."
    return f"The archive holds no answer that could be confirmed: {what}, and none shows it."


def _notes(asked: Asked, unknown: int) -> list[str]:
    notes = []
    if unknown:
        notes.append(f"Stretches that could not be looked at: {unknown}.")
    if asked.ended == "deadline":
        notes.append("The time was up before everything was looked at.")
    if asked.ended == "interrupted":
        notes.append("Interrupted before everything was looked at.")
    return notes


def _unknown(each: Citation) -> bool:
    return each.hit.verdict is None or each.hit.verdict.decision == "unknown"


def _surety(each: Citation) -> float:
    verdict = each.hit.verdict
    return verdict.probability or 0.0 if verdict is not None else 0.0


def _plain(answer: str) -> str:
    """An answer as it is compared: lower case, letters and digits alone."""
    return " ".join("".join(c if c.isalnum() else " " for c in answer.casefold()).split())
