"""SQLite or PostgreSQL behind one door: transactions, migrations, typed failures, one clock."""

from __future__ import annotations

from vidqa.database.clock import now_ms, now_s
from vidqa.database.group import GroupCommit
from vidqa.database.owner import Owner
from vidqa.database.schema import Schema, migrate
from vidqa.database.transactions import Database, batches, database_of

__all__ = [
    "Database",
    "GroupCommit",
    "Owner",
    "Schema",
    "batches",
    "database_of",
    "migrate",
    "now_ms",
    "now_s",
]
