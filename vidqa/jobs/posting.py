"""The outbox of webhooks: lines that were written with what they tell, and go when delivered."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from vidqa.database import now_s
from vidqa.jobs.part import Part, now_of
from vidqa.service.records import OutboxLine
from vidqa.service.rows import outbox_line_of
from vidqa.service.tables import outbox


class Posting(Part):
    """Lines of the outbox; each is handed to one sender at a time."""

    def take_outbox(self, *, limit: int = 10, hold_s: float = 60.0) -> list[OutboxLine]:
        """Lines that are due; nobody else is given them for ``hold_s``, in which they should be
        delivered, put off or dropped."""
        due = outbox.c.due_at <= now_s()
        with self._db.reading() as db:  # mostly nothing is due: no lock for that
            if db.execute(select(outbox.c.id).where(due).limit(1)).first() is None:
                return []
        with self._db.writing() as db:
            asked = select(outbox).where(due).order_by(outbox.c.due_at).limit(limit)
            rows = db.execute(asked.with_for_update(skip_locked=True)).all()
            taken = outbox.c.id.in_([row.id for row in rows])
            db.execute(update(outbox).where(taken).values(due_at=now_of(db) + hold_s))
        return [outbox_line_of(row) for row in rows]

    def delivered(self, line_id: str) -> None:
        """The receiver has it; or it will never be had (a dropped line goes the same way)."""
        with self._db.writing() as db:
            db.execute(delete(outbox).where(outbox.c.id == line_id))

    def put_off(self, line_id: str, delay_s: float, trouble: str) -> None:
        """A try failed, for the reason told; the next is due after ``delay_s``."""
        with self._db.writing() as db:
            later = {
                "due_at": now_of(db) + delay_s,
                "tries": outbox.c.tries + 1,
                "trouble": trouble[:500],
            }
            db.execute(update(outbox).where(outbox.c.id == line_id).values(**later))
