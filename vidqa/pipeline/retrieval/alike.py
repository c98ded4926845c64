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
    picture: Callable[[int], bytes],
    *,
    alike: float = ALIKE,
) -> list[Folded]:
    """Moments in their order, without those that an earlier one stands for.

    ``vectors`` are those of the best clips by clip, ``picture`` gives the JPEG of a clip, nothing
    where it was deleted. An ``alike`` above 1 folds only the same bytes.
    """
    kept: list[Folded] = []
    greys: dict[int, NDArray[np.float32]] = {}

    def grey(moment: Moment) -> NDArray[np.float32]:
        clip_id = moment.best.clip.id
        if clip_id not in greys:
            greys[clip_id] = _grey(picture(clip_id))
        return greys[clip_id]

    matrix_ND = np.stack([vectors[m.best.clip.id] for m in moments]) if moments else None
    places: list[int] = []
    for number, moment in enumerate(moments):
        cosines_K = matrix_ND[places] @ matrix_ND[number] if matrix_ND is not None else ()
        home = None
        for each, cosine in zip(kept, cosines_K, strict=True):
            if each.moment.video_id == moment.video_id:
                continue
            if _same_bytes(each.moment, moment, videos):
                home = each, 1.0
                break
            if cosine >= alike and _look_same(grey(each.moment), grey(moment)):
                home = each, float(cosine)
                break
        if home is None:
            kept.append(Folded(moment))
            places.append(number)
        elif all(other.video_id != moment.video_id for other, _ in home[0].also_in):
            home[0].also_in.append((moment, home[1]))
    return kept


def _same_bytes(a: Moment, b: Moment, videos: Mapping[int, Video]) -> bool:
    return videos[a.video_id].digest == videos[b.video_id].digest and a.span.overlaps(b.span)


def _look_same(a_hw: NDArray[np.float32], b_hw: NDArray[np.float32]) -> bool:
    if not (np.isfinite(a_hw).all() and np.isfinite(b_hw).all()):
        return False
    return float(np.abs(a_hw - b_hw).mean()) <= SAME_GREYS


def _grey(jpeg: bytes) -> NDArray[np.float32]:
    if not jpeg:
        return np.full((_SIDE, _SIDE), np.inf, dtype=np.float32)  # looks like no other
    with Image.open(io.BytesIO(jpeg)) as picture:
        small = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)
