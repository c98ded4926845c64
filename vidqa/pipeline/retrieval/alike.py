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
and grey first. Of one film encoded twice at half the rate it is below 2."""
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
    vectors_ND = np.stack([vectors[m.best.clip.id] for m in moments])
    cosines_NN = vectors_ND @ vectors_ND.T
    videos_N = np.array([m.video_id for m in moments])
    near_NN = (cosines_NN >= alike) & (videos_N[:, None] != videos_N)
    maybe = np.flatnonzero(near_NN.any(axis=1)).tolist()
    jpegs = pictures([moments[k].best.clip.id for k in maybe]) if maybe else {}
    greys = {k: _grey(jpegs[m.best.clip.id]) for k in maybe if (m := moments[k]).best.clip.id in jpegs}
    kept: dict[int, Folded] = {}
    for number, moment in enumerate(moments):
        home = None
        for k, each in kept.items():
            if each.moment.video_id == moment.video_id:
                continue
            if _same_bytes(each.moment, moment, videos):
                home = each, 1.0
            elif near_NN[k, number] and k in greys and number in greys:
                if _look_same(greys[k], greys[number]):
                    home = each, float(cosines_NN[k, number])
            if home is not None:
                break
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
