"""An archive searched: a query and a filter in, a page of hits out.

``sought -> nearest clips | lines with the words -> fuse -> merge -> fold -> group -> page``
The nearest clips are ranked, always as many, whatever the page: so every page is of the same
ranking.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from vidqa.archive.records import Video
from vidqa.archive.store import Store
from vidqa.pipeline.embedder import Embedder
from vidqa.pipeline.retrieval.alike import Folded, fold
from vidqa.pipeline.retrieval.finding import Finder
from vidqa.pipeline.retrieval.moments import Moment, merge_neighbours
from vidqa.pipeline.retrieval.queries import Query, sought
from vidqa.pipeline.retrieval.ranked import Ranked, grouped, page
from vidqa.pipeline.retrieval.search_options import SearchOptions
from vidqa.pipeline.retrieval.serving import Served, Serving
from vidqa.search_results import SearchResult


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
        return page(ranked, options)

    def rank(self, query: Query, embedder: Embedder | None, options: SearchOptions) -> Ranked:
        """Every hit of a query, whatever the page; raises as :meth:`search`."""
        timings: dict[str, float] = {}
        with self.serving.use() as served:
            with _timed(timings, "embed"):
                what = sought(query, self.store, served.generation, embedder)
            with _timed(timings, "search"):
                found, scope = Finder(self.store, served).found(what, options)
                moments = [m for m in merge_neighbours(found) if _passes(m, options)]
                videos = self.store.several(list({m.video_id for m in moments}))
                # A video that was deleted since its clips were read is no hit any more.
                moments = [m for m in moments if m.video_id in videos]
                folded = self._folded(moments, videos, served, options)
            applied = served.index.applied
        more: dict[int, int] = {}
        if options.by_video:
            folded, more = grouped(folded)
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


def _passes(moment: Moment, options: SearchOptions) -> bool:
    least = options.min_score
    return least is None or "text" in moment.found_by or moment.best.likeness >= least


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    began_s = time.perf_counter()
    try:
        yield
    finally:
        timings[f"{name}_s"] = time.perf_counter() - began_s
