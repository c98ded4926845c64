"""Clips: added whole or not at all, each once; read by id, by filter, by neighbourhood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from vidqa.archive.changelog import log_changes
from vidqa.archive.claiming import hold, settle
from vidqa.archive.filing import EVERYTHING
from vidqa.archive.filters import matching
from vidqa.archive.halves import to_bytes
from vidqa.archive.part import Part, generation_row
from vidqa.archive.records import Claim, Clip, Filter, NewClip
from vidqa.archive.rows import clip_of
from vidqa.archive.tables import clips, embedded, thumbnails, vectors, videos
from vidqa.database import batches
from vidqa.errors import ArchiveError
from vidqa.timeline import Span

_MANY = 500
"""Clips asked for by id in one statement."""


class Clips(Part):
    """Clips with what they look like and how they are found."""

    __slots__ = ()

    def clips_done(self, video_id: int, generation_id: int) -> set[int]:
        """Numbers of the video's clips that have a vector of the generation."""
        with self._db.reading() as db:
            return _done(db, video_id, generation_id)

    def embedded(self, video_id: int, generation_id: int) -> bool:
        """Whether :meth:`finish` was told that every clip of the video is there."""
        with self._db.reading() as db:
            asked = select(embedded).where(
                embedded.c.video_id == video_id, embedded.c.generation_id == generation_id
            )
            return db.execute(asked).first() is not None

    def add_clips(self, claim: Claim, generation_id: int, new: Sequence[NewClip]) -> int:
        """Keep clips, thumbnails and vectors in one transaction; how many were not there before.

        A clip whose number the generation has already changes nothing. Raises :class:`ClaimLost`,
        and :class:`ArchiveError` for a vector that is not of the generation's dimension and of
        length 1, or a number given twice.
        """
        with self._db.writing() as db:
            hold(db, claim)
            dimension = generation_row(db, generation_id, lock=True).dimension
            done = _done(db, claim.video_id, generation_id)
            fresh = {clip.number: clip for clip in new if clip.number not in done}
            stored = {n: to_bytes(clip.vector_D, dimension) for n, clip in fresh.items()}
            if len({clip.number for clip in new}) != len(new):
                raise _twice(claim.video_id)
            if not fresh:
                return 0
            ids = self._insert(db, claim.video_id, list(fresh.values()))
            db.execute(
                insert(vectors),
                [
                    {"clip_id": ids[n], "generation_id": generation_id, "vector": stored[n]}
                    for n in sorted(fresh)
                ],
            )
            log_changes(db, generation_id, [ids[n] for n in sorted(fresh)], 1)
            return len(fresh)

    def finish(self, claim: Claim, generation_id: int) -> None:
        """Release the claim: every clip of the video has its vector of the generation, and the
        video is ready. Raises :class:`ClaimLost`."""
        with self._db.writing() as db:
            hold(db, claim)
            generation_row(db, generation_id)
            row = {"video_id": claim.video_id, "generation_id": generation_id}
            db.execute(self._db.insert(embedded).values(row).on_conflict_do_nothing())
            settle(db, claim)

    def clips(self, ids: Sequence[int]) -> list[Clip]:
        """Those of the clips that are still there, in the order of ``ids``."""
        found: dict[int, Clip] = {}
        with self._db.reading() as db:
            for some in batches([int(i) for i in ids], _MANY):
                for row in db.execute(select(clips).where(clips.c.id.in_(some))):
                    found[row.id] = clip_of(row)
        return [found[i] for i in map(int, ids) if i in found]

    def clips_of(self, video_id: int, generation_id: int) -> list[Clip]:
        """The video's clips that have a vector of the generation, by number."""
        return self._numbered(video_id, generation_id, 0, None)

    def neighbours(self, clip: Clip, generation_id: int, reach: int = 1) -> list[Clip]:
        """The clips of the same video and generation up to ``reach`` numbers away, by number,
        without the clip itself."""
        near = self._numbered(
            clip.video_id, generation_id, clip.number - reach, clip.number + reach
        )
        return [other for other in near if other.number != clip.number]

    def clips_within(self, video_id: int, generation_id: int, span: Span) -> list[Clip]:
        """The video's clips of the generation that overlap ``span``, by number."""
        row = clips.c
        asked = (
            select(clips)
            .join(vectors, vectors.c.clip_id == row.id)
            .where(vectors.c.generation_id == generation_id, row.video_id == video_id)
            .where(row.start_s < span.end_s, row.end_s > span.start_s)
        )
        with self._db.reading() as db:
            return [clip_of(found) for found in db.execute(asked.order_by(row.number))]

    def clip_ids(
        self, where: Filter = EVERYTHING, generation_id: int | None = None
    ) -> NDArray[np.int64]:
        """Ids, rising, of the clips of matching videos; of one generation's where it is given."""
        asked = select(clips.c.id).join(videos).where(*matching(where, self._db))
        if generation_id is not None:
            asked = asked.join(vectors).where(vectors.c.generation_id == generation_id)
        with self._db.reading() as db:
            found = db.execute(asked.order_by(clips.c.id)).scalars()
            return np.fromiter(found, dtype=np.int64)

    def thumbnail(self, clip_id: int) -> bytes:
        """The key frame as JPEG; raises :class:`ArchiveError` where there is no such clip."""
        with self._db.reading() as db:
            asked = select(thumbnails.c.jpeg).where(thumbnails.c.clip_id == clip_id)
            jpeg: bytes | None = db.execute(asked).scalar_one_or_none()
        if jpeg is None:
            raise ArchiveError(
                f"the archive holds no clip {clip_id}",
                code="clip_unknown",
                next_step="Search again: its video may have been deleted meanwhile.",
            )
        return bytes(jpeg)

    def thumbnails(self, ids: Sequence[int]) -> dict[int, bytes]:
        """Key frames as JPEG of those of the clips that are still there."""
        found: dict[int, bytes] = {}
        row = thumbnails.c
        with self._db.reading() as db:
            for some in batches([int(i) for i in ids], _MANY):
                asked = select(row.clip_id, row.jpeg).where(row.clip_id.in_(some))
                found |= {each.clip_id: bytes(each.jpeg) for each in db.execute(asked)}
        return found

    def _numbered(
        self, video_id: int, generation_id: int, first: int, last: int | None
    ) -> list[Clip]:
        row = clips.c
        asked = (
            select(clips)
            .join(vectors, vectors.c.clip_id == row.id)
            .where(vectors.c.generation_id == generation_id, row.video_id == video_id)
            .where(row.number >= first)
        )
        if last is not None:
            asked = asked.where(row.number <= last)
        with self._db.reading() as db:
            return [clip_of(found) for found in db.execute(asked.order_by(row.number))]

    def _insert(self, db: Connection, video_id: int, new: Sequence[NewClip]) -> dict[int, int]:
        """Ids by number; another generation's clip of the same span is shared, with its picture."""
        db.execute(
            self._db.insert(clips).on_conflict_do_nothing(),
            [
                {
                    "video_id": video_id,
                    "number": clip.number,
                    "start_s": clip.span.start_s,
                    "end_s": clip.span.end_s,
                    "key_s": clip.key_s,
                    "caption": clip.caption,
                }
                for clip in new
            ],
        )
        numbers = [clip.number for clip in new]
        row = clips.c
        found = db.execute(
            select(row.id, row.number, row.start_s, row.end_s).where(
                row.video_id == video_id, row.number.between(min(numbers), max(numbers))
            )
        )
        by_place = {(each.number, each.start_s, each.end_s): each.id for each in found}
        ids = {
            clip.number: by_place[clip.number, clip.span.start_s, clip.span.end_s] for clip in new
        }
        db.execute(
            self._db.insert(thumbnails).on_conflict_do_nothing(),
            [{"clip_id": ids[clip.number], "jpeg": clip.thumbnail} for clip in new],
        )
        return ids


def _done(db: Connection, video_id: int, generation_id: int) -> set[int]:
    asked = (
        select(clips.c.number)
        .join(vectors, vectors.c.clip_id == clips.c.id)
        .where(clips.c.video_id == video_id, vectors.c.generation_id == generation_id)
    )
    return set(db.execute(asked).scalars())


def _twice(video_id: int) -> ArchiveError:
    return ArchiveError(
        f"two clips of one number were to be added to video {video_id}",
        code="clip_twice",
        next_step="Count a video's clips from 0, each once.",
    )
