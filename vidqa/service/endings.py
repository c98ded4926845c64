"""Jobs that have ended, each once, in the order in which they did: for whoever counts them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import select

from vidqa.database import Database, now_s
from vidqa.service.tables import job_results, jobs

_OVERLAP_S = 10.0
"""A transaction that began earlier may end later: so far back is looked again."""
_AT_ONCE = 500


class Ended(NamedTuple):
    """A job that has ended, with what it found or why it failed."""

    kind: str
    state: str
    waited_s: float | None
    """Until it was begun; None: it never was."""
    ran_s: float | None
    error: Mapping[str, Any] | None
    result: Mapping[str, Any] | None


class Endings:
    """What has ended since this was made, by the database's clock; a retried job ends again."""

    def __init__(self, database: Database) -> None:
        self._db = database
        with database.reading() as db:
            self._since = float(db.execute(select(now_s())).scalar_one())
        self._from = self._since
        self._seen: dict[tuple[str, float], None] = {}

    def new(self) -> Iterator[Ended]:
        """Those that were not told before."""
        while rows := self._next():
            for row in rows:
                self._seen[row.id, row.finished_at] = None
                yield _ended(row)
            self._from = max(self._since, rows[-1].finished_at - _OVERLAP_S)
            for known in [each for each in self._seen if each[1] < self._from]:
                del self._seen[known]

    def _next(self) -> list[Any]:
        asked = (
            select(
                *(jobs.c[name] for name in ("id", "kind", "state", "error", "created_at")),
                *(jobs.c[name] for name in ("started_at", "finished_at")),
                job_results.c.body,
            )
            .join_from(jobs, job_results, job_results.c.job_id == jobs.c.id, isouter=True)
            .where(jobs.c.finished_at >= self._from)
            .order_by(jobs.c.finished_at)
            .limit(_AT_ONCE + len(self._seen))
        )
        with self._db.reading() as db:
            rows = db.execute(asked).all()
        return [row for row in rows if (row.id, row.finished_at) not in self._seen]


def _ended(row: Any) -> Ended:
    started = row.started_at
    return Ended(
        kind=row.kind,
        state=row.state,
        waited_s=None if started is None else started - row.created_at,
        ran_s=None if started is None else row.finished_at - started,
        error=None if row.error is None else json.loads(row.error),
        result=None if row.body is None else json.loads(row.body),
    )
