"""The clips that a query finds: the nearest, and those in which its words are said.

Axes: Q queries, N clips, K nearest, D dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.centring import centred, particular
from vidqa.archive.filing import EVERYTHING
from vidqa.archive.records import Clip, LineFound
from vidqa.archive.store import Store
from vidqa.hits import FoundBy
from vidqa.pipeline.candidates import shared
from vidqa.pipeline.retrieval.moments import OVERLAP, Scored, fuse
from vidqa.pipeline.retrieval.queries import Sought
from vidqa.pipeline.retrieval.search_options import SearchOptions
from vidqa.pipeline.retrieval.serving import Served
from vidqa.search_results import Scope

LINES = 100
"""Lines of subtitles that are ranked."""
_MERGED = 100
"""Characters of a line that a hit shows."""


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds clips in one archive, by the generation that serves."""

    store: Store
    served: Served

    def found(self, what: Sought, options: SearchOptions) -> tuple[list[Scored], Scope]:
        """The nearest clips and those with the words, with both rankings fused."""
        served, where = self.served, options.where
        among = None
        if where != EVERYTHING:
            among = self.store.clip_ids(where, served.generation.id)
        queries_QD = self._comparable(what)
        likeness = _nearest(served, queries_QD, options.pool, among)
        spoken = self._spoken(what, options)
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

    def _comparable(self, what: Sought) -> NDArray[np.float32]:
        """The query's vectors, less what the clips have in common. Pictures and clips are near to
        what looks like them already: of a copy nothing is taken off."""
        served = self.served
        if served.generation.centred:
            return centred(what.vectors_QD, served.source.mean_D)
        if what.kind != "text":
            return what.vectors_QD
        mean_D = self.store.mean(served.generation.id)
        return particular(what.vectors_QD, mean_D, served.index.count)

    def _spoken(self, what: Sought, options: SearchOptions) -> dict[int, list[str]]:
        """Lines with the words by clip, the best clip first; each line is its nearest clip's."""
        if not what.words:
            return {}
        lines = self.store.find_lines(what.words, options.where, LINES, match=options.match)
        spoken: dict[int, list[str]] = {}
        for line in lines:
            clip = self._clip_of(line)
            if clip is not None:
                spoken.setdefault(clip.id, []).append(line.line.text[:_MERGED])
        return spoken

    def _clip_of(self, found: LineFound) -> Clip | None:
        """The clip in whose middle a line is said; None where its video is not embedded yet."""
        span = found.line.span
        near = self.store.clips_within(found.video_id, self.served.generation.id, span)
        off = {clip.id: abs(clip.span.middle_s - span.middle_s) for clip in near}
        return min(near, key=lambda clip: off[clip.id], default=None)


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
