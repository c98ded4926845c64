"""Idempotency keys of uploads, in the same table as those of jobs: one key, one request."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from vidqa.database import Database, now_s
from vidqa.errors import RequestError
from vidqa.service.tables import idempotency

KEY_MAX = 255
"""Characters of a key."""


class UploadKeys:
    """Which video a tenant's key stands for."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def find(self, tenant: str, key: str, asked: str) -> str | None:
        """The id of the video that this key was used for; None for a new key.

        ``asked`` is what tells requests apart: a file's digest, or a place. Raises
        :class:`RequestError` ``idempotency_mismatch`` where the key was used for something else,
        and ``idempotency_key_invalid`` for what is no key.
        """
        if not (0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
            raise RequestError(
                f"{key[:60]!r} cannot be an idempotency key",
                code="idempotency_key_invalid",
                next_step=f"Give 1 to {KEY_MAX} printable ASCII characters.",
            )
        mine = (idempotency.c.tenant == tenant) & (idempotency.c.key == key)
        with self._db.reading() as db:
            row = db.execute(select(idempotency).where(mine)).one_or_none()
        if row is None:
            return None
        if row.body_digest != _digest(asked):
            raise RequestError(
                f"the idempotency key {key!r} was used for another request",
                code="idempotency_mismatch",
                next_step="Take a new key for every new request; repeat a request unchanged.",
            )
        return str(row.job_id)

    def keep(self, tenant: str, key: str, asked: str, video_id: str) -> None:
        """From now on the key stands for this video; of two at the same time the first counts."""
        row = {
            "tenant": tenant,
            "key": key,
            "job_id": video_id,
            "body_digest": _digest(asked),
            "made_at": now_s(),
        }
        with self._db.writing() as db:
            db.execute(self._db.insert(idempotency).values(**row).on_conflict_do_nothing())


def _digest(asked: str) -> str:
    return hashlib.sha256(f"upload\n{asked}".encode("utf-8", "surrogatepass")).hexdigest()
