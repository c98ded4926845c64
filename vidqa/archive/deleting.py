"""Deleting a video so that nothing of it is left, and showing that nothing is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, func, select, text

from vidqa.archive import tables
from vidqa.archive.changelog import drop_vectors
from vidqa.archive.part import Part, no_video
from vidqa.archive.records import Deleted, Traces
from vidqa.archive.tables import claims, clips, lines, videos
from vidqa.database import batches

_OF_VIDEO = (
    tables.locations,
    tables.tags,
    tables.claims,
    tables.clips,
    tables.lines,
    tables.embedded,
)
_OF_CLIP = (tables.thumbnails, tables.vectors)


class Deletion(Part):
    """The end of a video."""

    __slots__ = ()

    def delete_video(self, video_id: int) -> Deleted:
        """Remove a video's rows, clips, thumbnails, lines and vectors in one transaction.

        Its clips' numbers stay in the log, so that indexes forget them. Whoever ingests it at that
        moment loses the claim. Raises :class:`ArchiveError` where there is no such video.
        """
        with self._db.writing() as db:
            digest = _locked_digest(db, video_id)
            vectors = drop_vectors(db, video_id)
            gone_lines = _count(db, lines.c.video_id == video_id)
            gone_clips = _count(db, clips.c.video_id == video_id)
            db.execute(delete(videos).where(videos.c.id == video_id))  # takes the rest along
            if gone_lines and self._db.is_sqlite:
                # FTS5 only marks words as deleted; merged into one, its index has them no longer.
                db.execute(text("INSERT INTO lines_words(lines_words) VALUES ('optimize')"))
        return Deleted(
            digest=digest,
            clips=gone_clips,
            vectors=vectors,
            lines=gone_lines,
            overwritten=self._forget_log(),
        )

    def traces(self, video_id: int) -> Traces:
        """What tells the video's rows, to be asked for before it is deleted."""
        with self._db.reading() as db:
            return Traces(
                video_id=video_id,
                clip_ids=_ids(db, select(clips.c.id).where(clips.c.video_id == video_id)),
                line_ids=_ids(db, select(lines.c.id).where(lines.c.video_id == video_id)),
            )

    def leftovers(self, traces: Traces) -> dict[str, int]:
        """Rows by table that still belong to the video; a table without any is not named. Empty
        after :meth:`delete_video`. Not all rows of the archive are read for it."""
        found: dict[str, int] = {}
        with self._db.reading() as db:
            found["videos"] = _count(db, videos.c.id == traces.video_id)
            for table in _OF_VIDEO:
                found[table.name] = _count(db, table.c.video_id == traces.video_id)
            for table in _OF_CLIP:
                found[table.name] = sum(
                    _count(db, table.c.clip_id.in_(some))
                    for some in batches(traces.clip_ids, _MANY)
                )
            if self._db.is_sqlite:
                asked = text(_WORDS_KEPT).bindparams(bindparam("ids", expanding=True))
                found["lines_words"] = sum(
                    int(db.execute(asked, {"ids": some}).scalar_one())
                    for some in batches(traces.line_ids, _MANY)
                )
        return {table: count for table, count in found.items() if count}

    def copies(self, digest: str) -> int:
        """Videos of these bytes, in whatever archive of the database."""
        with self._db.reading() as db:
            return _count(db, videos.c.digest == digest)

    def compact(self) -> int:
        """Give room that deletion left back to the disk; how many bytes. Until then new videos
        fill it. On PostgreSQL, runs ``VACUUM``, which may give nothing back, but keeps the room
        for us."""
        before = self._db.size()
        with self._db.alone() as db:
            if self._db.is_sqlite:
                # A script runs to its end; a statement without columns would stop at one page.
                db.connection.driver_connection.executescript("PRAGMA incremental_vacuum")  # type: ignore[union-attr]
            else:
                for table in (*_OF_VIDEO, *_OF_CLIP, videos, tables.changes):
                    db.exec_driver_sql(f"VACUUM {table.name}")
        self._forget_log()
        return max(0, before - self._db.size())

    def _forget_log(self) -> bool:
        """Empty SQLite's write-ahead log, which holds deleted pages as they were; False where
        somebody still reads them."""
        if not self._db.is_sqlite:
            return False
        with self._db.alone() as db:
            patience_ms = db.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
            db.exec_driver_sql("PRAGMA busy_timeout=500")  # a reader may take its time
            busy = db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
            db.exec_driver_sql(f"PRAGMA busy_timeout={patience_ms}")
        return not busy


_WORDS_KEPT = "SELECT count(*) FROM lines_words_docsize WHERE id IN :ids"
_MANY = 500
"""Rows asked for by id in one statement."""


def _ids(db: Connection, asked: Select[Any]) -> tuple[int, ...]:
    return tuple(db.execute(asked).scalars())


def _locked_digest(db: Connection, video_id: int) -> str:
    asked = select(claims.c.video_id).where(claims.c.video_id == video_id)
    if db.execute(asked.with_for_update()).first() is None:
        raise no_video(video_id)
    return str(db.execute(select(videos.c.digest).where(videos.c.id == video_id)).scalar_one())


def _count(db: Connection, which: ColumnElement[bool]) -> int:
    return int(db.execute(select(func.count()).where(which)).scalar_one())
