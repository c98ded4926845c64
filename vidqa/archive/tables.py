"""The archive's tables, as the newest migration leaves them; the same on SQLite and PostgreSQL.

Times of day are the database's own clock (:class:`vidqa.database.now_ms`), so that processes on
several machines agree on when a claim runs out. Ids are never used twice: an index may still know
a deleted one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

SCHEMA = "0001"
"""Revision of the newest migration."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Id = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts in 64 bits by itself, and only for ``INTEGER``."""


def _of_video(**options: Any) -> Column[int]:
    return Column(
        "video_id", Id, ForeignKey("videos.id", ondelete="CASCADE"), nullable=False, **options
    )


archive = Table(
    "archive",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts of the database itself: ``uid``, which tells it from every other."""

videos = Table(
    "videos",
    metadata,
    Column("id", Id, primary_key=True),
    Column("archive", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("duration_s", Double),
    Column("start_time_s", Double),
    Column("width", Integer),
    Column("height", Integer),
    Column("variable_rate", Boolean),
    Column("container", Text),
    Column("codec", Text),
    Column("recorded_us", BigInteger),  # since 1970, of the time as written
    Column("recorded_utc", Boolean),  # whether it was written with a zone, and turned into UTC
    Column("recorded_from", Text),
    UniqueConstraint("archive", "digest"),
    Index(None, "recorded_us"),
    sqlite_autoincrement=True,
)

locations = Table(
    "locations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("archive", Text, nullable=False),
    Column("url", Text, nullable=False),
    _of_video(index=True),
    Column("size", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    UniqueConstraint("archive", "url"),
)

tags = Table(
    "tags",
    metadata,
    _of_video(primary_key=True),
    Column("tag", Text, primary_key=True),
    Index(None, "tag"),
)

claims = Table(
    "claims",
    metadata,
    _of_video(primary_key=True, autoincrement=False),
    Column("fence", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)
"""One row to a video, from the moment it is entered: whoever changes its rows locks this one."""

clips = Table(
    "clips",
    metadata,
    Column("id", Id, primary_key=True),
    _of_video(),
    Column("number", Integer, nullable=False),
    Column("start_s", Double, nullable=False),
    Column("end_s", Double, nullable=False),
    Column("key_s", Double, nullable=False),
    Column("caption", Text),
    # Generations of one clip grid share a clip; one of another grid has a clip of its own.
    UniqueConstraint("video_id", "number", "start_s", "end_s"),
    sqlite_autoincrement=True,
)

thumbnails = Table(
    "thumbnails",
    metadata,
    Column(
        "clip_id",
        Id,
        ForeignKey("clips.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("jpeg", LargeBinary, nullable=False),
)

lines = Table(
    "lines",
    metadata,
    Column("id", Id, primary_key=True),
    _of_video(index=True),
    Column("track", Text, nullable=False),
    Column("start_s", Double, nullable=False),
    Column("end_s", Double, nullable=False),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),  # as vidqa.archive.words folds them, for both engines
)

generations = Table(
    "generations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("model", Text, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("centred", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("pruned_seq", BigInteger, nullable=False),  # the log holds numbers above it
    Column("vectors", BigInteger, nullable=False),
    Column("mean", LargeBinary),  # float32, little-endian
    Column("mean_version", Integer, nullable=False),
    Index(
        "uq_generations_living",
        "model",
        "recipe",
        "dimension",
        "centred",
        unique=True,
        sqlite_where=text("state <> 'retired'"),
        postgresql_where=text("state <> 'retired'"),
    ),
    Index(
        "uq_generations_serving",
        "state",
        unique=True,
        sqlite_where=text("state = 'serving'"),
        postgresql_where=text("state = 'serving'"),
    ),
    sqlite_autoincrement=True,
)

embedded = Table(
    "embedded",
    metadata,
    _of_video(primary_key=True, autoincrement=False),
    Column(
        "generation_id",
        Id,
        ForeignKey("generations.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
)
"""Videos of which every clip has a vector of the generation."""

vectors = Table(
    "vectors",
    metadata,
    Column("clip_id", Id, primary_key=True, autoincrement=False),
    Column("generation_id", Id, primary_key=True, autoincrement=False),
    Column("vector", LargeBinary, nullable=False),  # float16, little-endian
    # No cascade: a vector may only go where its number in the log is written.
    ForeignKeyConstraint(["clip_id"], ["clips.id"]),
    ForeignKeyConstraint(["generation_id"], ["generations.id"]),
)
"""Not WITHOUT ROWID on SQLite: that would put most of each vector on pages of its own."""

changes = Table(
    "changes",
    metadata,
    Column("generation_id", Id, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("clip_id", Id, nullable=False),
    ForeignKeyConstraint(["generation_id"], ["generations.id"]),
    sqlite_with_rowid=False,
)
"""The numbered log: this clip came or went. Which, its vector's row tells."""
