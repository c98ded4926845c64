"""An archive searched: a query and a filter in, a page of hits out.

``sought -> nearest clips | lines with the words -> fuse -> merge -> fold -> group -> page``
The nearest :data:`POOL` clips are ranked, whatever the page: so every page is of the same ranking.
Axes: Q queries, N clips, K nearest, D dimension.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.centring import centred, particular
from vidqa.archive.discover import exists
from vidqa.archive.filing import EVERYTHING
from vidqa.archive.records import Clip, Filter, LineFound, Video
from vidqa.archive.store import Store
from vidqa.errors import QueryError
from vidqa.pipeline.candidates import shared
from vidqa.pipeline.embedder import Embedder
from vidqa.pipeline.retrieval.alike import ALIKE, Folded, fold
from vidqa.pipeline.retrieval.moments import (
    OVERLAP,
    Moment,
    Scored,
    fuse,
    merge_neighbours,
)
from vidqa.pipeline.retrieval.paging import Place, page_of, place_of, request_key, token_of
from vidqa.pipeline.retrieval.queries import Query, Sought, sought
from vidqa.pipeline.retrieval.serving import Served, Serving
from vidqa.search_results import AlsoIn, FoundBy, Hit, Scope, SearchResult, VideoRef

POOL = 300
"""Clips that are ranked: thirty times a page of ten, for neighbours and copies become one."""
LINES = 100
"""Lines of subtitles that are ranked."""
_MERGED = 100
"""Characters of a line that a hit shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How an archive is searched."""

    where: Filter = EVERYTHING
    limit: int = 10
    """Hits on a page."""
    offset: int = 0
    page_token: str | None = None
    """Of the page before, in place of ``offset``."""
    min_score: float | None = None
    """Least cosine of a hit; one whose subtitles hold the words stays."""
    by_video: bool = False
    """One hit to a video, its best."""
    alike: float = ALIKE
    """Cosine from which on hits of different videos that look the same are one; above 1 never."""
    pool: int = POOL
    """Clips that are ranked."""
    match: Literal["all", "any"] = "all"
    """Whether a line of subtitles must hold all of the words."""

    def __post_init__(self) -> None:
        if self.pool < 1:
            raise QueryError(
                f"a pool of {self.pool} clips",
                code="pool_impossible",
                next_step=f"Rank one clip or more; {POOL} is usual.",
            )


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


@dataclass(slots=True)
class Searcher:
    """Searches one archive; whatever is committed when a search begins can be found by it."""

    store: Store
    serving: Serving

    def search(
        self, query: Query, embedder: Embedder | None, options: SearchOptions | None = None
    ) -> SearchResult:
        """A page of hits; see :mod:`vidqa.pipeline.retrieval.queries` for what may be sought.

        Raises :class:`QueryError` for a query or a page that cannot be, :class:`ArchiveError` for
        an archive that is empty, of another model, or does not do its part.
        """
        options = options or SearchOptions()
        ranked = self.rank(query, embedder, options)
        return self.page(ranked, options)

    def rank(self, query: Query, embedder: Embedder | None, options: SearchOptions) -> Ranked:
        """Every hit of a query, whatever the page; raises as :meth:`search`."""
        timings: dict[str, float] = {}
        with self.serving.use() as served:
            with _timed(timings, "embed"):
                what = sought(query, self.store, served.generation, embedder)
            with _timed(timings, "search"):
                found, scope = self._found(what, served, options)
                moments = [m for m in merge_neighbours(found) if _passes(m, options)]
                videos = self.store.several(list({m.video_id for m in moments}))
                # A video that was deleted since its clips were read is no hit any more.
                moments = [m for m in moments if m.video_id in videos]
                folded = self._folded(moments, videos, served, options)
            applied = served.index.applied
        more: dict[int, int] = {}
        if options.by_video:
            folded, more = _grouped(folded)
        return Ranked(
            sought=what,
            folded=folded,
            more=more,
            videos=videos,
            scope=scope,
            model=served.generation.model,
            generation_id=served.generation.id,
            seq=applied,
            notes=served.notes,
            timings=timings,
        )

    def page(self, ranked: Ranked, options: SearchOptions) -> SearchResult:
        """One page of them; raises :class:`QueryError` as :meth:`search`."""
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
        hits = [
            hit_of(each, rank, ranked) for rank, each in enumerate(shown, start=place.offset + 1)
        ]
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

    def _found(
        self, what: Sought, served: Served, options: SearchOptions
    ) -> tuple[list[Scored], Scope]:
        """The nearest clips and those with the words, with both rankings fused."""
        where, generation = options.where, served.generation
        among = None
        if where != EVERYTHING:
            among = self.store.clip_ids(where, generation.id)
        queries_QD = self._comparable(what, served)
        likeness = _nearest(served, queries_QD, options.pool, among)
        spoken = self._spoken(what, served, options)
        if lacking := [clip_id for clip_id in spoken if clip_id not in likeness]:
            likeness |= _cosines(served, queries_QD, lacking)
        clips = {clip.id: clip for clip in self.store.clips(list(likeness))}
        near = [clip_id for clip_id in likeness if clip_id not in lacking]
        weights = fuse(near, list(spoken))
        found = [
            Scored(
                clip=clips[clip_id],
                likeness=likeness[clip_id],
                weight=weight,
                found_by=_by(clip_id in spoken, clip_id not in lacking),
                lines=tuple(spoken.get(clip_id, ())),
            )
            for clip_id, weight in weights.items()
            if clip_id in clips and clip_id in likeness and not _is_own(clips[clip_id], what.own)
        ]
        scope = Scope(
            videos=self.store.count(where),
            clips=served.index.count if among is None else len(among),
            ranked=len(found),
        )
        return found, scope

    def _comparable(self, what: Sought, served: Served) -> NDArray[np.float32]:
        """The query's vectors, less what the clips have in common. Pictures and clips are near to
        what looks like them already: of a copy nothing is taken off."""
        if served.generation.centred:
            return centred(what.vectors_QD, served.source.mean_D)
        if what.kind != "text":
            return what.vectors_QD
        mean_D = self.store.mean(served.generation.id)
        return particular(what.vectors_QD, mean_D, served.index.count)

    def _spoken(self, what: Sought, served: Served, options: SearchOptions) -> dict[int, list[str]]:
        """Lines with the words by clip, the best clip first; each line is its nearest clip's."""
        if not what.words:
            return {}
        lines = self.store.find_lines(what.words, options.where, LINES, match=options.match)
        spoken: dict[int, list[str]] = {}
        for line in lines:
            clip = self._clip_of(line, served)
            if clip is not None:
                spoken.setdefault(clip.id, []).append(line.line.text[:_MERGED])
        return spoken

    def _clip_of(self, found: LineFound, served: Served) -> Clip | None:
        """The clip in whose middle a line is said; None where its video is not embedded yet."""
        span = found.line.span
        near = self.store.clips_within(found.video_id, served.generation.id, span)
        off = {clip.id: abs(clip.span.middle_s - span.middle_s) for clip in near}
        return min(near, key=lambda clip: off[clip.id], default=None)

    def _folded(
        self,
        moments: Sequence[Moment],
        videos: Mapping[int, Video],
        served: Served,
        options: SearchOptions,
    ) -> list[Folded]:
        ids_N = np.array([moment.best.clip.id for moment in moments], dtype=np.int64)
        block = served.source.vectors_of(ids_N)
        vectors = dict(zip(block.ids_N.tolist(), block.vectors_ND, strict=True))
        there = [moment for moment in moments if moment.best.clip.id in vectors]
        return fold(there, videos, vectors, self.store.thumbnails, alike=options.alike)


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


def _nearest(
    served: Served, queries_QD: NDArray[np.float32], pool: int, among: NDArray[np.int64] | None
) -> dict[int, float]:
    """Cosines by clip, the best first: of several queries each clip's best."""
    if among is not None and not len(among):
        return {}
    found = served.index.search(queries_QD, pool, among)
    best: dict[int, float] = {}
    for ids_K, scores_K in zip(found.ids_QK.tolist(), found.scores_QK.tolist(), strict=True):
        for clip_id, score in zip(ids_K, scores_K, strict=True):
            if clip_id >= 0:
                best[clip_id] = max(score, best.get(clip_id, -np.inf))
    ordered = sorted(best, key=lambda clip_id: (-best[clip_id], clip_id))
    return {clip_id: best[clip_id] for clip_id in ordered[:pool]}


def _cosines(
    served: Served, queries_QD: NDArray[np.float32], ids: Sequence[int]
) -> dict[int, float]:
    """Cosines of clips that the words found and likeness did not."""
    block = served.source.vectors_of(np.array(ids, dtype=np.int64))
    if not len(block.ids_N):
        return {}
    scores_N = (block.vectors_ND @ queries_QD.T).max(axis=1)
    return dict(zip(block.ids_N.tolist(), scores_N.tolist(), strict=True))


def _by(spoken: bool, near: bool) -> tuple[FoundBy, ...]:
    found: list[FoundBy] = ["vector"] if near else []
    return tuple([*found, "text"] if spoken else found)


def _is_own(clip: Clip, own: Clip | None) -> bool:
    """Whether a clip shows what the clip whose likes are sought shows."""
    if own is None or clip.video_id != own.video_id:
        return False
    return clip.id == own.id or shared(clip.span, own.span) > OVERLAP


def _passes(moment: Moment, options: SearchOptions) -> bool:
    least = options.min_score
    return least is None or "text" in moment.found_by or moment.best.likeness >= least


def _grouped(folded: Sequence[Folded]) -> tuple[list[Folded], dict[int, int]]:
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


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    began_s = time.perf_counter()
    try:
        yield
    finally:
        timings[f"{name}_s"] = time.perf_counter() - began_s
