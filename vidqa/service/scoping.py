"""Whose archive is which: the collections of all tenants lie in one database, under names of their
own."""

from __future__ import annotations

from vidqa.service.records import LOCAL


def archive_name(tenant: str, archive_id: str) -> str:
    """The collection that a tenant calls ``archive_id``; the local user's are those of the command
    line. Neither holds a "/", so that no two tenants' names meet."""
    return archive_id if tenant == LOCAL else f"{tenant}/{archive_id}"


def archive_id_of(tenant: str, name: str) -> str | None:
    """What the tenant calls this collection; None where it is another's."""
    if tenant == LOCAL:
        return None if "/" in name else name
    owner, _, archive_id = name.rpartition("/")
    return archive_id if owner == tenant else None
