"""Hits and answers of an archive as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import shorten

from vidqa.cli.table import columns
from vidqa.hits import Hit
from vidqa.search_results import ArchiveAnswer, Citation, Scope, SearchResult
from vidqa.timeline import Span, format_timecode

_MODEL_CHARS = 40
_LINE_CHARS = 80


def search_lines(found: SearchResult) -> str:
    """The hits as a table, and below it how much there was and how it goes on."""
    lines = [_headline(found)]
    names = names_of(found.hits)
    if found.hits:
        head = ("#", "video", "start", "end", "score", "found by", *_checked_head(found.hits))
        rows = [row for hit in found.hits for row in _rows(hit, names, found.hits)]
        lines += ["", *(f"  {line}" for line in columns([head, *rows])), ""]
    lines += _footer(found.scope, found.model, found.timings.values())
    if found.next_page is not None:
        lines.append(f"more: --page-token {found.next_page}")
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


def answer_lines(told: ArchiveAnswer) -> str:
    """The answer, what it rests on, and how much was considered."""
    lines = [told.answer]
    names = names_of([each.hit for each in (*told.citations, *told.others)])
    if told.citations:
        lines += ["", *(f"  {line}" for line in columns(_cited(told.citations, names)))]
    if told.others:
        lines += ["", "asked as well:"]
        lines += [f"  {line}" for line in columns(_cited(told.others, names))]
    lines += ["", *_footer(told.scope, told.model, told.timings.values())]
    return "\n".join([*lines, *(f"note: {note}" for note in told.notes)])


def names_of(hits: Sequence[Hit]) -> dict[int, str]:
    """By video what tells it from the others: its name, else its path."""
    refs = {hit.video.id: hit.video for hit in hits}
    times = Counter(video.name for video in refs.values())
    return {key: v.name if times[v.name] == 1 else v.path for key, v in refs.items()}


def standing_of(hit: Hit) -> str:
    """What closer looks said of a hit; empty where there was none."""
    parts = []
    if hit.verdict is not None:
        known = hit.verdict.probability
        parts.append(hit.verdict.decision + ("" if known is None else f" {known:.0%}"))
        if hit.verdict.code is not None:
            parts.append(shorten(hit.verdict.reason or "", _LINE_CHARS, placeholder=" ..."))
    if hit.refined in ("not_found", "uncertain"):
        parts.append("no second found")
    return ", ".join(parts)


def _headline(found: SearchResult) -> str:
    what = f'"{found.query}"' if found.kind == "text" else f"like {found.query}"
    if not found.hits:
        return f"{what}: nothing found."
    count = f"{found.total} hit{'s' if found.total != 1 else ''}"
    first = found.hits[0].rank
    shown = (
        f", {first} to {first + len(found.hits) - 1} shown" if len(found.hits) < found.total else ""
    )
    none = "" if found.outcome != "not_found" else "; none of those shown holds"
    return f"{what}: {count}{shown}{none}"


def _checked_head(hits: Sequence[Hit]) -> tuple[str, ...]:
    return ("checked",) if any(standing_of(hit) for hit in hits) else ()


def _rows(hit: Hit, names: dict[int, str], hits: Sequence[Hit]) -> list[tuple[str, ...]]:
    checked = (standing_of(hit),) if _checked_head(hits) else ()
    by = "+".join(hit.found_by)
    first, *others = hit.spans
    name = names[hit.video.id]
    if hit.also_in:
        name += f" (also in {len(hit.also_in)})"
    if hit.more:
        name += f" (and {hit.more} more)"
    if not hit.video.there:
        name += " (gone)"
    blank = ("",) * (2 + len(checked))
    rows = [(str(hit.rank), name, *_times(first), f"{hit.score:.2f}", by, *checked)]
    rows += [("", "", *_times(span), "", *blank[1:]) for span in others]
    rows += [
        ("", f'  "{shorten(line, _LINE_CHARS, placeholder=" ...")}"', "", "", "", *blank[1:])
        for line in hit.lines[:1]
    ]
    return rows


def _cited(citations: Sequence[Citation], names: dict[int, str]) -> list[tuple[str, ...]]:
    head = ("video", "start", "end", "answer", "checked")
    rows = [
        (
            names[each.hit.video.id],
            *_times(each.hit.spans[0]),
            shorten(" ".join(each.answer.split()), _LINE_CHARS, placeholder=" ..."),
            standing_of(each.hit),
        )
        for each in citations
    ]
    return [head, *rows]


def _times(span: Span) -> tuple[str, str]:
    return format_timecode(span.start_s), format_timecode(span.end_s)


def _footer(scope: Scope, model: str, seconds: object) -> list[str]:
    looked = ""
    if scope.looked_at:
        looked = f", looked at {scope.looked_at} of them in {scope.looked_at_videos} videos"
    took = f"{sum(seconds):.2f} s"  # type: ignore[call-overload]
    told = f"{scope.clips} clips of {scope.videos} videos, {scope.ranked} ranked{looked}, {took}, "
    return [f"{told}model {model[:_MODEL_CHARS]}"]
