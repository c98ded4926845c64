"""Videos, the places where they lie, and their tags."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from vidqa.archive.filters import matching
from vidqa.archive.part import Part, no_video
from vidqa.archive.records import Facts, Filter, Location, Video, VideoState
from vidqa.archive.rows import facts_row, videos_of
from vidqa.archive.tables import claims, locations, tags, videos
from vidqa.database import batches

EVERYTHING = Filter()
_MANY = 500
"""Videos asked for by id in one statement."""


class Videos(Part):
    """What is known of videos as such; they are told apart by their bytes."""

    __slots__ = ()

    def found(self, archive: str, url: str, size: int, modified_ns: int) -> Video | None:
        """The video that lies at ``url`` unchanged; None where it is new, or the file changed.

        Where the file system tells no time of change (0), a file never counts as unchanged.
        """
        if modified_ns == 0:
            return None
        place = locations.c
        with self._db.reading() as db:
            rows = db.execute(
                select(videos)
                .join(locations, place.video_id == videos.c.id)
                .where(
                    place.archive == archive,
                    place.url == url,
                    place.size == size,
                    place.modified_ns == modified_ns,
                )
            ).all()
            return next(iter(videos_of(db, rows)), None)

    def by_digest(self, archive: str, digest: str) -> Video | None:
        """The video of these bytes, wherever it lies; None where the archive has none."""
        with self._db.reading() as db:
            asked = select(videos).where(videos.c.archive == archive, videos.c.digest == digest)
            return next(iter(videos_of(db, db.execute(asked).all())), None)

    def video(self, video_id: int) -> Video:
        """Raises :class:`ArchiveError` where there is none."""
        with self._db.reading() as db:
            return _video(db, video_id)

    def videos(
        self, where: Filter = EVERYTHING, *, after: int = 0, limit: int = 100
    ) -> list[Video]:
        """Up to ``limit`` videos with ids above ``after``, in order of id: a page of them all."""
        with self._db.reading() as db:
            asked = select(videos).where(*matching(where, self._db), videos.c.id > after)
            return videos_of(db, db.execute(asked.order_by(videos.c.id).limit(limit)).all())

    def several(self, ids: Sequence[int]) -> dict[int, Video]:
        """Those of the videos that are still there, by id."""
        found: dict[int, Video] = {}
        with self._db.reading() as db:
            for some in batches(list(ids), _MANY):
                rows = db.execute(select(videos).where(videos.c.id.in_(some))).all()
                found |= {video.id: video for video in videos_of(db, rows)}
        return found

    def count(self, where: Filter = EVERYTHING) -> int:
        """How many videos match."""
        with self._db.reading() as db:
            asked = select(func.count()).select_from(videos).where(*matching(where, self._db))
            return int(db.execute(asked).scalar_one())

    def collections(self) -> dict[str, dict[VideoState, int]]:
        """How many videos every archive has, by their state."""
        found: dict[str, dict[VideoState, int]] = {}
        asked = select(videos.c.archive, videos.c.state, func.count()).group_by(
            videos.c.archive, videos.c.state
        )
        with self._db.reading() as db:
            for archive, state, count in db.execute(asked):
                found.setdefault(archive, {})[state] = int(count)
        return found

    def enter(
        self,
        archive: str,
        digest: str,
        location: Location,
        facts: Facts | None = None,
        tags: Sequence[str] = (),
    ) -> Video:
        """A video of these bytes that lies there; one that is known gains the place and the tags,
        and the facts where it had none. Its state stays as it was, and is ``indexing`` at first."""
        with self._db.writing() as db:
            known = db.execute(
                self._db.insert(videos)
                .values(archive=archive, digest=digest, state="indexing")
                .on_conflict_do_nothing()
                .returning(videos.c.id)
            ).scalar_one_or_none()
            if known is None:
                asked = select(videos.c.id).where(
                    videos.c.archive == archive, videos.c.digest == digest
                )
                known = db.execute(asked).scalar_one()
            else:
                db.execute(insert(claims).values(video_id=known, fence=0, holder="", until_ms=0))
            if facts is not None:
                blank = (videos.c.id == known) & videos.c.duration_s.is_(None)
                db.execute(update(videos).where(blank).values(facts_row(facts)))
            self._place(db, known, archive, location)
            self._tag(db, known, tags)
            return _video(db, known)

    def place(self, video_id: int, location: Location) -> int | None:
        """Note that the video lies there, as well as where it was known to lie.

        Returns the id of the other video that was there before, None where there was none: its
        bytes were overwritten, or moved away.
        """
        with self._db.writing() as db:
            return self._place(db, video_id, _video(db, video_id).archive, location)

    def unplace(self, archive: str, url: str) -> int | None:
        """Note that nothing lies there; the id of the video that did, which keeps everything else
        (it may turn up elsewhere), None where none was known to."""
        with self._db.writing() as db:
            gone: int | None = db.execute(
                delete(locations)
                .where(locations.c.archive == archive, locations.c.url == url)
                .returning(locations.c.video_id)
            ).scalar_one_or_none()
            return gone

    def add_tags(self, video_id: int, *names: str) -> None:
        """Those it has already change nothing."""
        with self._db.writing() as db:
            _video(db, video_id)
            self._tag(db, video_id, names)

    def remove_tags(self, video_id: int, *names: str) -> None:
        """Those it has not change nothing."""
        with self._db.writing() as db:
            _video(db, video_id)
            db.execute(delete(tags).where(tags.c.video_id == video_id, tags.c.tag.in_(names)))

    def _place(self, db: Connection, video_id: int, archive: str, location: Location) -> int | None:
        at = (locations.c.archive == archive) & (locations.c.url == location.url)
        asked = select(locations.c.video_id).where(at)
        before: int | None = db.execute(asked.with_for_update()).scalar_one_or_none()
        row = {
            "video_id": video_id,
            "size": location.size,
            "modified_ns": location.modified_ns,
        }
        db.execute(
            self._db.insert(locations)
            .values(archive=archive, url=location.url, **row)
            .on_conflict_do_update(index_elements=["archive", "url"], set_=row)
        )
        return None if before == video_id else before

    def _tag(self, db: Connection, video_id: int, names: Sequence[str]) -> None:
        rows = [{"video_id": video_id, "tag": name} for name in sorted(set(names))]
        if rows:
            db.execute(self._db.insert(tags).on_conflict_do_nothing(), rows)


def _video(db: Connection, video_id: int) -> Video:
    rows = db.execute(select(videos).where(videos.c.id == video_id)).all()
    if not rows:
        raise no_video(video_id)
    return videos_of(db, rows)[0]
