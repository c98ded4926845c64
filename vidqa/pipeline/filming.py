"""A film in, its clips out, a group at a time: pictures streamed, embedded, and drawn small.

``film -> stream of pictures (threads ahead) -> frames of a group -> Embedder -> NewClip``
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidqa.archive.records import NewClip
from vidqa.errors import VideoError
from vidqa.pipeline.clips import ClipFrames, ClipGrid, grid_of
from vidqa.pipeline.embedder import Embedder, checked
from vidqa.video import Film, Picture, Wish, media

THUMBNAIL = 256
"""Longer side of a clip's picture, in pixels; small videos are not enlarged."""
_QUALITY = 80
Rgb = NDArray[np.uint8]


@dataclass(slots=True)
class Filming:
    """One film on its way into the archive."""

    film: Film
    embedder: Embedder
    threads: int = 1
    reader: str = "pyav"
    unreadable_from_s: float | None = None
    """Where its pictures stop decoding, once that is known."""
    _frames: dict[int, Picture] = field(default_factory=dict)
    """Of the group in hand, by their numbers on the clock."""

    def groups(self, done: Collection[int]) -> Iterator[list[NewClip]]:
        """Clips in groups that are always the same, from the first group on that is not ``done``.

        A tail that does not decode has no clips. Raises :class:`VideoError` when the film cannot be
        read, or nothing of it decodes.
        """
        grid = grid_of(self.film.path, self.film.clock.duration_s)
        there = frozenset(done)
        left = list(
            itertools.dropwhile(
                lambda clips: there.issuperset(clip.number for clip in clips), grid.groups()
            )
        )
        if not left:
            return
        first = left[0][0].first
        wish = self._wish(grid, first)
        with media(self.reader).stream(self.film, wish, threads=self.threads) as stream:
            pictures = iter(stream)
            for clips in left:
                if not self._gather(pictures, first, clips):
                    self.unreadable_from_s = stream.unreadable_from_s
                    yield from self._rest(stream.unreadable_from_s or 0.0, clips[0].number)
                    return
                yield self._embedded(clips)

    def _rest(self, tail_s: float, number: int) -> Iterator[list[NewClip]]:
        """The clips from ``number`` on of a film that ends earlier than it says."""
        if tail_s <= 0 or (number == 0 and not self._frames):
            raise VideoError(
                f"{self.film.path}: none of its pictures decodes",
                code="undecodable",
                next_step="Check that the copy is complete, or re-encode the file.",
            )
        grid = ClipGrid(tail_s)
        clips = [grid.clip(n) for n in range(number, grid.count)]
        if clips and self._frames:
            yield self._embedded(clips)

    def _wish(self, grid: ClipGrid, first: int) -> Wish:
        width, height = self.film.size
        scale = min(1.0, THUMBNAIL / max(width, height))
        keys = (grid.clip(number).key - first for number in range(grid.count))
        return Wish(
            seconds_T=grid.seconds(first),
            size=self.embedder.frame_size(height, width),
            large=frozenset(key for key in keys if key >= 0),
            large_size=(max(1, round(height * scale)), max(1, round(width * scale))),
        )

    def _gather(self, pictures: Iterator[Picture], first: int, clips: list[ClipFrames]) -> bool:
        """Have all frames of these clips, and no earlier ones; whether all could be had."""
        for number in [n for n in self._frames if n < clips[0].first]:
            del self._frames[number]
        while clips[-1].last - 1 not in self._frames:
            picture = next(pictures, None)
            if picture is None:
                return False
            self._frames[first + picture.number] = picture
        return True

    def _embedded(self, clips: list[ClipFrames]) -> list[NewClip]:
        start = clips[0].first
        numbers = range(start, min(clips[-1].last, start + len(self._frames)))
        rgb_THWC = np.stack([self._frames[number].rgb_hwC for number in numbers])
        spans = [(clip.first - start, min(clip.last - start, len(numbers))) for clip in clips]
        vectors_ND = checked(self.embedder.embed_clips(rgb_THWC, spans), self.embedder, len(clips))
        return [
            NewClip(
                number=clip.number,
                span=clip.span,
                vector_D=vector_D,
                key_s=key.pts_s,
                thumbnail=_jpeg(key),
            )
            for clip, vector_D in zip(clips, vectors_ND, strict=True)
            for key in (self._key(clip),)
        ]

    def _key(self, clip: ClipFrames) -> Picture:
        """The clip's key frame; where a film ended early, the nearest one that was drawn large."""
        drawn = [n for n in range(clip.first, clip.last) if n in self._frames]
        large = [n for n in drawn if self._frames[n].large_hwC is not None] or drawn
        return self._frames[min(large, key=lambda n: abs(n - clip.key))]


def _jpeg(picture: Picture) -> bytes:
    rgb_hwC = picture.rgb_hwC if picture.large_hwC is None else picture.large_hwC
    file = io.BytesIO()
    Image.fromarray(rgb_hwC).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
