"""Lines of subtitles, found by their words: FTS5 on SQLite, tsvector on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    delete,
    func,
    insert,
    literal_column,
    select,
    table,
)

from vidqa.archive.claiming import hold
from vidqa.archive.filing import EVERYTHING
from vidqa.archive.filters import matching
from vidqa.archive.part import Part
from vidqa.archive.records import Claim, Filter, Line, LineFound
from vidqa.archive.tables import lines, videos
from vidqa.archive.words import fold
from vidqa.timeline import Span

_INDEXED: ColumnElement[str] = literal_column("to_tsvector('simple'::regconfig, lines.words)")
"""As the migration's index spells it; any other spelling would read every line."""


class Lines(Part):
    """What is said, beside what is seen."""

    __slots__ = ()

    def add_lines(self, claim: Claim, new: Sequence[Line], track: str = "") -> None:
        """Keep a video's lines of one track (a file of subtitles, a language), in place of those
        that the track had. Raises :class:`ClaimLost`."""
        with self._db.writing() as db:
            hold(db, claim)
            old = (lines.c.video_id == claim.video_id) & (lines.c.track == track)
            db.execute(delete(lines).where(old))
            rows = [
                {
                    "video_id": claim.video_id,
                    "track": track,
                    "start_s": line.span.start_s,
                    "end_s": line.span.end_s,
                    "text": line.text,
                    "words": " ".join(fold(line.text)),
                }
                for line in new
            ]
            if rows:
                db.execute(insert(lines), rows)

    def lines_of(self, video_id: int, within: Span | None = None) -> list[Line]:
        """The video's lines, of all tracks, in order of time; those that overlap ``within``."""
        asked = select(lines).where(lines.c.video_id == video_id)
        if within is not None:
            asked = asked.where(lines.c.start_s < within.end_s, lines.c.end_s > within.start_s)
        with self._db.reading() as db:
            return [_line(row) for row in db.execute(asked.order_by(lines.c.start_s, lines.c.id))]

    def find_lines(
        self,
        words: str,
        where: Filter = EVERYTHING,
        limit: int = 100,
        *,
        match: Literal["all", "any"] = "all",
    ) -> list[LineFound]:
        """Lines that hold all of the words, or any, best first; none for a text without words.

        SQLite ranks by BM25, PostgreSQL by ``ts_rank``, which does not know how rare a word is.
        """
        wanted = fold(words)
        if not wanted:
            return []
        search = self._fts5 if self._db.is_sqlite else self._tsvector
        asked = search(wanted, match).join(videos, videos.c.id == lines.c.video_id)
        asked = asked.where(*matching(where, self._db))
        with self._db.reading() as db:
            found = db.execute(
                asked.order_by(literal_column("score").desc(), lines.c.id).limit(limit)
            )
            return [
                LineFound(video_id=row.video_id, line=_line(row), score=row.score) for row in found
            ]

    def _fts5(self, wanted: Sequence[str], match: str) -> Select[Any]:
        index = table("lines_words")
        rank: ColumnElement[float] = literal_column("lines_words.rank", Double)
        query = (" AND " if match == "all" else " OR ").join(f'"{word}"' for word in wanted)
        return (
            select(lines, (-rank).label("score"))
            .select_from(index.join(lines, literal_column("lines_words.rowid") == lines.c.id))
            .where(literal_column("lines_words").op("MATCH", is_comparison=True)(query))
        )

    def _tsvector(self, wanted: Sequence[str], match: str) -> Select[Any]:
        query = func.to_tsquery(
            literal_column("'simple'::regconfig"),
            (" & " if match == "all" else " | ").join(f"'{word}'" for word in wanted),
        )
        return select(lines, func.ts_rank(_INDEXED, query).label("score")).where(
            _INDEXED.op("@@", is_comparison=True)(query)
        )


def _line(row: Any) -> Line:
    return Line(span=Span(row.start_s, row.end_s), text=row.text)
