"""API keys: made once, shown once, kept as a digest.

A key reads ``vidqa_PREFIX_SECRET``. The prefix finds its row; the SHA-256 of the whole key, whose
secret is 256 random bits, is compared in constant time. A key that was revoked stays listed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection

from sqlalchemy import insert, select, update

from vidqa.database import Database, now_s
from vidqa.errors import ServiceError
from vidqa.service.ids import new_id
from vidqa.service.records import LOCAL, SCOPES, ApiKey, Scope
from vidqa.service.rows import key_of, to_text
from vidqa.service.tables import api_keys

_PREFIX_BYTES = 6
_NOBODYS = hashlib.sha256(b"no key has this digest").hexdigest()
"""Compared with where there is no row: that takes as long."""
_NAME_MAX = 200


class ApiKeys:
    """The keys of a service."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self, *, name: str, tenant: str = LOCAL, scopes: Collection[str] = ("read", "write")
    ) -> tuple[ApiKey, str]:
        """A new key, and its text, which cannot be had again.

        Raises :class:`ServiceError` for a scope that is none, or a name or tenant that is empty.
        """
        _check(name, tenant, scopes)
        prefix = secrets.token_hex(_PREFIX_BYTES)
        text = f"vidqa_{prefix}_{secrets.token_urlsafe(32)}"
        row = {
            "id": new_id("key"),
            "tenant": tenant,
            "name": name,
            "scopes": to_text(sorted(scopes)),
            "prefix": prefix,
            "digest": _digest(text),
            "created_at": now_s(),
        }
        with self._db.writing() as db:
            made = insert(api_keys).values(**row).returning(*api_keys.c)
            return key_of(db.execute(made).one()), text

    def all(self) -> list[ApiKey]:
        """Every key, revoked ones too, the oldest first."""
        with self._db.reading() as db:
            asked = select(api_keys).order_by(api_keys.c.id)
            return [key_of(row) for row in db.execute(asked)]

    def exist(self) -> bool:
        """Whether there is a key that opens anything."""
        with self._db.reading() as db:
            asked = select(api_keys.c.id).where(api_keys.c.revoked_at.is_(None)).limit(1)
            return db.execute(asked).first() is not None

    def revoke(self, key_id: str) -> ApiKey:
        """It opens nothing any more; raises :class:`ServiceError`, code ``key_missing``."""
        with self._db.writing() as db:
            db.execute(
                update(api_keys)
                .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
                .values(revoked_at=now_s())
            )
            row = db.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
        if row is None:
            raise ServiceError(
                f"there is no key {key_id[:60]!r}",
                code="key_missing",
                next_step="`vidqa keys ls` shows those there are.",
            )
        return key_of(row)

    def check(self, text: str) -> ApiKey:
        """The key that this is; raises :class:`ServiceError`, code ``key_invalid``, without
        saying in what way it is none."""
        kind, _, rest = text.partition("_")
        prefix = rest.partition("_")[0]
        with self._db.reading() as db:
            asked = select(api_keys).where(api_keys.c.prefix == prefix)
            row = db.execute(asked).one_or_none() if _may_be_prefix(prefix) else None
        same = hmac.compare_digest(_digest(text), _NOBODYS if row is None else row.digest)
        if row is None or not same or kind != "vidqa" or row.revoked_at is not None:
            raise ServiceError(
                "the API key is not known here",
                code="key_invalid",
                next_step="Send a key of this service: `vidqa keys add` makes one.",
            )
        return key_of(row)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _may_be_prefix(text: str) -> bool:
    return len(text) == 2 * _PREFIX_BYTES and text.isascii() and text.isalnum()


def _check(name: str, tenant: str, scopes: Collection[str]) -> None:
    for what, value in (("name", name), ("tenant", tenant)):
        if not (0 < len(value) <= _NAME_MAX and value.isprintable()):
            raise ServiceError(
                f"a key's {what} cannot be {value[:60]!r}",
                code="key_impossible",
                next_step=f"Give 1 to {_NAME_MAX} printable characters.",
            )
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise ServiceError(
            f"there is no scope {unknown[0]!r}" if unknown else "a key without any scope",
            code="key_impossible",
            next_step=f"Choose of {', '.join(SCOPES)}.",
        )


def allows(key: ApiKey, scope: Scope) -> bool:
    """Whether the key opens what needs ``scope``; ``admin`` opens everything, and whoever may
    write may read."""
    implied: dict[Scope, set[Scope]] = {
        "read": {"read", "write", "admin"},
        "write": {"write", "admin"},
        "admin": {"admin"},
    }
    return bool(implied[scope] & key.scopes)
