"""The same footage in several videos, made one hit that says where else it is.

Vectors alone cannot tell a copy from a scene of the same kind: of a model that knows few things,
quiet clips of different videos have cosines up to 0.996. So two hits are one when their vectors
are alike *and* their key frames look the same, or when their files are the same bytes and the
spans overlap.
Axes: N hits, D dimension, h rows, w columns.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidqa.archive.records import Video
from vidqa.pipeline.retrieval.moments import Moment

ALIKE = 0.98
"""Cosine of two clips from which on they may be one."""
SAME_GREYS = 6.0
"""Mean difference of two key frames, of 255, up to which they look the same; both are made small
and grey first. Of drawn films and copies at a third of their area and far worse quality it was at
most 4.0, of clips of different films with a cosine of 0.98 or more at least 17."""
_SIDE = 16


@dataclass(slots=True)
class Folded:
    """A moment, and the moments of other videos that show the same."""

    moment: Moment
    also_in: list[tuple[Moment, float]] = field(default_factory=list)
    """With the cosine of the best clips."""


def fold(
    moments: Sequence[Moment],
    videos: Mapping[int, Video],
    vectors: Mapping[int, NDArray[np.float32]],
    pictures: Callable[[Sequence[int]], Mapping[int, bytes]],
    *,
    alike: float = ALIKE,
) -> list[Folded]:
    """Moments in their order, without those that an earlier one stands for.

    ``vectors`` are those of the best clips by clip, ``pictures`` gives the JPEGs of clips, asked
    once and for those alone that may be copies. An ``alike`` above 1 folds only the same bytes.
    """
    if not moments:
        return []
    ids = [moment.best.clip.id for moment in moments]
    vectors_ND = np.stack([vectors[clip_id] for clip_id in ids])
    cosines_NN = vectors_ND @ vectors_ND.T
    videos_N = np.array([m.video_id for m in moments])
    near_NN = (cosines_NN >= alike) & (videos_N[:, None] != videos_N)
    maybe = np.flatnonzero(near_NN.any(axis=1)).tolist()
    jpegs = pictures([ids[k] for k in maybe]) if maybe else {}
    greys = {k: _grey(jpegs[ids[k]]) for k in maybe if ids[k] in jpegs}

    def copy_of(k: int, number: int) -> float | None:
        """The cosine of two moments that are one."""
        first, second = moments[k], moments[number]
        if first.video_id == second.video_id:
            return None
        if _same_bytes(first, second, videos):
            return 1.0
        seen = near_NN[k, number] and k in greys and number in greys
        same = seen and _look_same(greys[k], greys[number])
        return float(cosines_NN[k, number]) if same else None

    kept: dict[int, Folded] = {}
    for number, moment in enumerate(moments):
        copies = ((each, copy_of(k, number)) for k, each in kept.items())
        home = next(((each, cosine) for each, cosine in copies if cosine is not None), None)
        if home is None:
            kept[number] = Folded(moment)
        elif all(other.video_id != moment.video_id for other, _ in home[0].also_in):
            home[0].also_in.append((moment, home[1]))
    return list(kept.values())


def _same_bytes(a: Moment, b: Moment, videos: Mapping[int, Video]) -> bool:
    return videos[a.video_id].digest == videos[b.video_id].digest and a.span.overlaps(b.span)


def _look_same(a_hw: NDArray[np.float32], b_hw: NDArray[np.float32]) -> bool:
    return float(np.abs(a_hw - b_hw).mean()) <= SAME_GREYS


def _grey(jpeg: bytes) -> NDArray[np.float32]:
    with Image.open(io.BytesIO(jpeg)) as picture:
        picture.draft("L", (2 * _SIDE, 2 * _SIDE))  # decodes no more than is needed
        small = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)
