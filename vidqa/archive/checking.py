"""Numbers of an archive, and what in its database must not be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select, text

from vidqa.archive import tables
from vidqa.archive.part import Part
from vidqa.archive.records import Finding, Stats
from vidqa.archive.tables import changes, claims, clips, generations, thumbnails, vectors, videos
from vidqa.errors import ArchiveError


class Checks(Part):
    """For those who want to know."""

    __slots__ = ()

    def stats(self) -> Stats:
        """The archive in numbers."""
        with self._db.reading() as db:
            by_state = select(videos.c.state, func.count()).group_by(videos.c.state)
            living = select(generations.c.id, generations.c.vectors).where(
                generations.c.state != "retired"
            )
            return Stats(
                videos={row[0]: row[1] for row in db.execute(by_state)},
                duration_s=db.execute(select(func.sum(videos.c.duration_s))).scalar_one() or 0.0,
                clips=_count(db, select(func.count()).select_from(clips)),
                lines=_count(db, select(func.count()).select_from(tables.lines)),
                vectors={row.id: row.vectors for row in db.execute(living)},
                size=self._db.size(),
            )

    def check(self) -> list[Finding]:
        """Read everything and tell what is wrong; nothing where all is sound.

        Damage of the file itself is a finding, not an error.
        """
        found: list[Finding] = []
        for look in (self._pages, self._words, self._relations, self._counts):
            found += _looked(look)
        return found

    def _pages(self) -> list[Finding]:
        """SQLite's own check; PostgreSQL's pages are its server's business."""
        if not self._db.is_sqlite:
            return []
        with self._db.alone() as db:
            told = [row[0] for row in db.exec_driver_sql("PRAGMA integrity_check")]
            lost = db.exec_driver_sql("PRAGMA foreign_key_check").all()
        damage = [Finding(code="damaged", text=line) for line in told if line != "ok"]
        return damage + [
            Finding(code="orphans", text=f"a row of {row[0]} belongs to no row of {row[2]}")
            for row in lost
        ]

    def _words(self) -> list[Finding]:
        """Whether the index of words says what the lines say."""
        if self._db.is_sqlite:
            with self._db.writing() as db:
                db.execute(
                    text("INSERT INTO lines_words(lines_words, rank) VALUES ('integrity-check', 1)")
                )
        return []

    def _relations(self) -> list[Finding]:
        """What no foreign key can see to."""
        bare = ~exists().where(vectors.c.clip_id == clips.c.id)
        blind = ~exists().where(thumbnails.c.clip_id == clips.c.id)
        free = ~exists().where(claims.c.video_id == videos.c.id)
        with self._db.reading() as db:
            counts = {
                "clips have no vector": _count(db, select(func.count(clips.c.id)).where(bare)),
                "clips have no thumbnail": _count(db, select(func.count(clips.c.id)).where(blind)),
                "videos cannot be claimed": _count(db, select(func.count(videos.c.id)).where(free)),
            }
        return [
            Finding(code="orphans", text=f"{count} {what}")
            for what, count in counts.items()
            if count
        ]

    def _counts(self) -> list[Finding]:
        with self._db.reading() as db:
            rows = db.execute(select(generations).order_by(generations.c.id)).all()
            found = [finding for row in rows for finding in _of_generation(db, row)]
        states = [row.state for row in rows]
        if any(state != "retired" for state in states) and "serving" not in states:
            found.append(Finding(code="serving", text="no generation answers searches"))
        return found


def _looked(look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except ArchiveError as err:
        if err.code != "archive_damaged":
            raise
        return [Finding(code="damaged", text=str(err))]


def _of_generation(db: Connection, row: Any) -> Iterator[Finding]:
    name, mine = f"generation {row.id}", vectors.c.generation_id == row.id
    count = _count(db, select(func.count(vectors.c.clip_id)).where(mine))
    if row.state == "retired":
        if count:
            told = f"{name} was retired and still has {count} vectors: retire it again"
            yield Finding(code="orphans", text=told)
        return
    if count != row.vectors:
        told = f"{name} has {count} vectors and counts {row.vectors}"
        yield Finding(code="miscounted", text=told)
    odd = func.length(vectors.c.vector) != 2 * row.dimension
    if misfits := _count(db, select(func.count(vectors.c.clip_id)).where(mine, odd)):
        told = f"{misfits} vectors of {name} are not of {row.dimension} numbers"
        yield Finding(code="vector", text=told)
    log = select(func.count(), func.min(changes.c.seq), func.max(changes.c.seq))
    kept, first, last = db.execute(log.where(changes.c.generation_id == row.id)).one()
    expected = row.last_seq - row.pruned_seq
    if kept != expected or (kept and (first, last) != (row.pruned_seq + 1, row.last_seq)):
        told = (
            f"the log of {name} has {kept} changes, {first} to {last}, "
            f"not {row.pruned_seq + 1} to {row.last_seq}"
        )
        yield Finding(code="gap", text=told)


def _count(db: Connection, asked: Select[Any]) -> int:
    return int(db.execute(asked).scalar_one())
