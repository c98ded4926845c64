"""All hits of a query, in order, and the pages that they are shown in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from vidqa.archive.discover import exists
from vidqa.archive.records import Video
from vidqa.hits import AlsoIn, Hit, VideoRef
from vidqa.pipeline.retrieval.alike import Folded
from vidqa.pipeline.retrieval.paging import Place, page_of, place_of, request_key, token_of
from vidqa.pipeline.retrieval.queries import Sought
from vidqa.pipeline.retrieval.search_options import SearchOptions
from vidqa.search_results import Scope, SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """All hits of a query, in order, before they are shown in pages."""

    sought: Sought
    folded: Sequence[Folded]
    more: Mapping[int, int]
    """By video, hits that grouping left out."""
    videos: Mapping[int, Video]
    scope: Scope
    model: str
    generation_id: int
    seq: int
    notes: tuple[str, ...]
    timings: dict[str, float] = field(default_factory=dict)


def page(ranked: Ranked, options: SearchOptions) -> SearchResult:
    """One page of them; raises :class:`QueryError` for a page that cannot be."""
    key = _key(ranked, options)
    place = place_of(options.page_token, options.offset, key)
    shown, following = page_of(ranked.folded, place, options.limit)
    notes = list(ranked.notes)
    if place.seq not in (None, ranked.seq):
        notes.append(
            "The archive changed since the first page: hits may be missing here, or come twice."
        )
    seq = ranked.seq if place.seq is None else place.seq
    token = None if following is None else token_of(Place(following, key, seq))
    hits = [hit_of(each, rank, ranked) for rank, each in enumerate(shown, start=place.offset + 1)]
    return SearchResult(
        outcome="found" if hits else "not_found",
        kind=ranked.sought.kind,
        query=ranked.sought.told,
        hits=tuple(hits),
        total=len(ranked.folded),
        scope=ranked.scope,
        model=ranked.model,
        next_page=token,
        timings=dict(ranked.timings),
        notes=tuple(notes),
    )


def hit_of(folded: Folded, rank: int, ranked: Ranked) -> Hit:
    """A moment as a hit."""
    moment, best = folded.moment, folded.moment.best
    return Hit(
        rank=rank,
        video=ref_of(ranked.videos[moment.video_id]),
        span=moment.span,
        clip_id=best.clip.id,
        key_s=best.clip.key_s,
        score=best.likeness,
        found_by=moment.found_by,
        lines=moment.lines,
        also_in=tuple(
            AlsoIn(video=ref_of(ranked.videos[other.video_id]), span=other.span, score=cosine)
            for other, cosine in folded.also_in
        ),
        more=ranked.more.get(moment.video_id, 0),
    )


def ref_of(video: Video) -> VideoRef:
    """A video as results tell it; its places are looked at now."""
    places = sorted(video.locations, key=lambda place: not exists(place))
    facts = video.facts
    return VideoRef(
        id=video.id,
        digest=video.digest,
        archive=video.archive,
        paths=tuple(place.url for place in places),
        there=bool(places) and exists(places[0]),
        duration_s=facts.duration_s if facts else None,
        size=(facts.width, facts.height) if facts else None,
        variable_rate=facts.variable_rate if facts else False,
        start_time_s=facts.start_time_s if facts else 0.0,
        recorded_at=facts.recorded_at if facts else None,
        recorded_from=facts.recorded_from if facts else "unknown",
        tags=video.tags,
    )


def grouped(folded: Sequence[Folded]) -> tuple[list[Folded], dict[int, int]]:
    """The best of each video, and how many more there were by video."""
    kept: list[Folded] = []
    more: dict[int, int] = {}
    for each in folded:
        video_id = each.moment.video_id
        if video_id in more:
            more[video_id] += 1
        else:
            more[video_id] = 0
            kept.append(each)
    return kept, more


def _key(ranked: Ranked, options: SearchOptions) -> str:
    plain = replace(options, limit=1, offset=0, page_token=None)
    return request_key(ranked.sought.key, ranked.generation_id, plain)
