"""Whose database it is: the words of its errors, and how its pages are cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vidqa.errors import VidqaError


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A part of vidqa that keeps a database."""

    noun: str
    """As messages name it: "the archive /home/me/archive.db is damaged"."""
    code: str
    """What the codes of its errors begin with: ``archive_damaged``."""
    error: type[VidqaError]
    busy: type[VidqaError]
    """For what the same call may get over later."""
    next_steps: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Sentences in place of the usual ones, by what follows ``code`` in an error's code."""
    page_bytes: int = 4096
    """Of an SQLite file; a row that fits no page is read from several."""
    log_pages: int = 1000
    """Pages of SQLite's log from which on a commit also empties it, and waits for that; an owner
    that calls :meth:`vidqa.database.Database.tidy` now and then may set it high."""
