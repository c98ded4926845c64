"""Vectors as an archive's are: topics, scenes of a topic, clips of a scene; and what is nearest.

Axes: N vectors, Q queries, K hits, D dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.plain_source import PlainSource

_TOPICS, _CLIPS_OF_A_SCENE = 500, 50
_SCENE_SPREAD, _CLIP_SPREAD = 0.8, 0.6
"""How far a scene lies from its topic and a clip from its scene, against a topic's own length."""
_BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Data:
    """Clips 0 to N - 1 with their vectors, questions, and the exact answers."""

    vectors_ND: NDArray[np.float16]
    queries_QD: NDArray[np.float32]
    truth_QK: NDArray[np.int64]
    source: PlainSource

    def recall(self, found_QK: NDArray[np.int64]) -> float:
        """Share of the true nearest that were found."""
        pairs = zip(found_QK, self.truth_QK, strict=False)
        return float(np.mean([np.isin(truth_K, found_K).mean() for found_K, truth_K in pairs]))


def clustered(folder: Path, count: int, dimension: int, queries: int, k: int = 10) -> Data:
    """Make them in ``folder``, or find them there."""
    stem = folder / f"{count}x{dimension}"
    kept, asked = stem.with_suffix(".npy"), folder / f"{stem.name}-{queries}.npz"
    if not kept.exists() or not asked.exists():
        draw = _Draw(count, dimension)
        _write_vectors(kept, draw, count, dimension)
        vectors_ND = np.load(kept, mmap_mode="r")
        queries_QD = draw.clips(queries)
        np.savez(asked, queries=queries_QD, truth=exact(vectors_ND, queries_QD, k))
    vectors_ND, found = np.load(kept, mmap_mode="r"), np.load(asked)
    source = PlainSource(stem.with_suffix(".db"), dimension, stem.name)
    for start in range(source.count(), count, _BLOCK):
        stop = min(start + _BLOCK, count)
        source.put(range(start, stop), vectors_ND[start:stop])
    return Data(vectors_ND, found["queries"], found["truth"], source)


class _Draw:
    def __init__(self, count: int, dimension: int) -> None:
        self._rng = np.random.default_rng(0)
        topics_ND = self._normal(_TOPICS, dimension)
        of_topic_N = self._rng.integers(0, _TOPICS, max(1, count // _CLIPS_OF_A_SCENE))
        spread_ND = self._normal(len(of_topic_N), dimension)
        self._scenes_ND = topics_ND[of_topic_N] + _SCENE_SPREAD * spread_ND

    def clips(self, count: int) -> NDArray[np.float32]:
        of_scene_N = self._rng.integers(0, len(self._scenes_ND), count)
        spread_ND = self._normal(count, self._scenes_ND.shape[1])
        clips_ND = self._scenes_ND[of_scene_N] + _CLIP_SPREAD * spread_ND
        unit_ND: NDArray[np.float32] = clips_ND / np.linalg.norm(clips_ND, axis=1, keepdims=True)
        return unit_ND

    def _normal(self, count: int, dimension: int) -> NDArray[np.float32]:
        return self._rng.standard_normal((count, dimension), dtype=np.float32)


def _write_vectors(path: Path, draw: _Draw, count: int, dimension: int) -> None:
    unfinished = path.with_suffix(".tmp")
    kept_ND = np.lib.format.open_memmap(unfinished, "w+", np.float16, (count, dimension))
    for start in range(0, count, _BLOCK):
        kept_ND[start : start + _BLOCK] = draw.clips(min(_BLOCK, count - start))
    kept_ND.flush()
    unfinished.replace(path)


def exact(
    vectors_ND: NDArray[np.float16], queries_QD: NDArray[np.float32], k: int
) -> NDArray[np.int64]:
    """The ``k`` nearest of each query by reading every vector."""
    scores_QK = np.empty((len(queries_QD), 0), dtype=np.float32)
    ids_QK = np.empty((len(queries_QD), 0), dtype=np.int64)
    for start in range(0, len(vectors_ND), _BLOCK):
        part_ND = vectors_ND[start : start + _BLOCK].astype(np.float32)
        rows = np.broadcast_to(
            np.arange(start, start + len(part_ND)), (len(queries_QD), len(part_ND))
        )
        scores_QK = np.concatenate([scores_QK, queries_QD @ part_ND.T], axis=1)
        ids_QK = np.concatenate([ids_QK, rows], axis=1)
        best_QK = np.argsort(-scores_QK, axis=1)[:, :k]
        scores_QK = np.take_along_axis(scores_QK, best_QK, axis=1)
        ids_QK = np.take_along_axis(ids_QK, best_QK, axis=1)
    return ids_QK
