"""The first schema: videos, clips, lines of subtitles, generations of vectors and their logs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """From an empty database."""
    _videos()
    _clips()
    _lines()
    _vectors()
    _search()


def _videos() -> None:
    op.create_table(
        "archive",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        _primary("archive", "name"),
    )
    op.create_table(
        "videos",
        sa.Column("id", _ID, nullable=False),
        sa.Column("archive", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("duration_s", sa.Double),
        sa.Column("start_time_s", sa.Double),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("variable_rate", sa.Boolean),
        sa.Column("container", sa.Text),
        sa.Column("codec", sa.Text),
        sa.Column("recorded_us", sa.BigInteger),
        sa.Column("recorded_utc", sa.Boolean),
        sa.Column("recorded_from", sa.Text),
        _primary("videos", "id"),
        sa.UniqueConstraint("archive", "digest", name="uq_videos_archive_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_videos_recorded_us", "videos", ["recorded_us"])
    op.create_table(
        "locations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("archive", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("video_id", _ID, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified_ns", sa.BigInteger, nullable=False),
        _primary("locations", "id"),
        _of_video("locations"),
        sa.UniqueConstraint("archive", "url", name="uq_locations_archive_url"),
    )
    op.create_index("ix_locations_video_id", "locations", ["video_id"])
    op.create_table(
        "tags",
        sa.Column("video_id", _ID, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        _primary("tags", "video_id", "tag"),
        _of_video("tags"),
    )
    op.create_index("ix_tags_tag", "tags", ["tag"])
    op.create_table(
        "claims",
        sa.Column("video_id", _ID, nullable=False, autoincrement=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        _primary("claims", "video_id"),
        _of_video("claims"),
    )


def _clips() -> None:
    op.create_table(
        "clips",
        sa.Column("id", _ID, nullable=False),
        sa.Column("video_id", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("start_s", sa.Double, nullable=False),
        sa.Column("end_s", sa.Double, nullable=False),
        sa.Column("key_s", sa.Double, nullable=False),
        sa.Column("caption", sa.Text),
        _primary("clips", "id"),
        _of_video("clips"),
        sa.UniqueConstraint(
            "video_id", "number", "start_s", "end_s", name="uq_clips_video_id_number_start_s_end_s"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "thumbnails",
        sa.Column("clip_id", _ID, nullable=False, autoincrement=False),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
        _primary("thumbnails", "clip_id"),
        _foreign("thumbnails", "clip_id", "clips.id", ondelete="CASCADE"),
    )


def _lines() -> None:
    op.create_table(
        "lines",
        sa.Column("id", _ID, nullable=False),
        sa.Column("video_id", _ID, nullable=False),
        sa.Column("track", sa.Text, nullable=False),
        sa.Column("start_s", sa.Double, nullable=False),
        sa.Column("end_s", sa.Double, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        _primary("lines", "id"),
        _of_video("lines"),
    )
    op.create_index("ix_lines_video_id", "lines", ["video_id"])


def _vectors() -> None:
    op.create_table(
        "generations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("centred", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("pruned_seq", sa.BigInteger, nullable=False),
        sa.Column("vectors", sa.BigInteger, nullable=False),
        sa.Column("mean", sa.LargeBinary),
        sa.Column("mean_version", sa.Integer, nullable=False),
        _primary("generations", "id"),
        sqlite_autoincrement=True,
    )
    _unique_where("living", ["model", "recipe", "dimension", "centred"], "state <> 'retired'")
    _unique_where("serving", ["state"], "state = 'serving'")
    op.create_table(
        "embedded",
        sa.Column("video_id", _ID, nullable=False, autoincrement=False),
        sa.Column("generation_id", _ID, nullable=False, autoincrement=False),
        _primary("embedded", "video_id", "generation_id"),
        _of_video("embedded"),
        _foreign("embedded", "generation_id", "generations.id", ondelete="CASCADE"),
    )
    op.create_index("ix_embedded_generation_id", "embedded", ["generation_id"])
    op.create_table(
        "vectors",
        sa.Column("clip_id", _ID, nullable=False, autoincrement=False),
        sa.Column("generation_id", _ID, nullable=False, autoincrement=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        _primary("vectors", "clip_id", "generation_id"),
        _foreign("vectors", "clip_id", "clips.id"),
        _foreign("vectors", "generation_id", "generations.id"),
    )
    op.create_table(
        "changes",
        sa.Column("generation_id", _ID, nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("clip_id", _ID, nullable=False),
        _primary("changes", "generation_id", "seq"),
        _foreign("changes", "generation_id", "generations.id"),
        sqlite_with_rowid=False,
    )


def _search() -> None:
    """What the two engines do each in their own way."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE INDEX ix_lines_words ON lines"
            " USING gin (to_tsvector('simple'::regconfig, words))"
        )
        # Vectors and pictures do not get smaller: do not try.
        op.execute("ALTER TABLE vectors ALTER COLUMN vector SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE thumbnails ALTER COLUMN jpeg SET STORAGE EXTERNAL")
        return
    # The index holds no text of its own: it points at the rows, and triggers keep it true. Words
    # come folded and set apart by spaces; 'ascii' leaves everything else in them alone.
    op.execute(
        "CREATE VIRTUAL TABLE lines_words USING fts5(words, content='lines',"
        " content_rowid='id', tokenize='ascii')"
    )
    op.execute(
        "CREATE TRIGGER lines_come AFTER INSERT ON lines BEGIN"
        " INSERT INTO lines_words(rowid, words) VALUES (new.id, new.words); END"
    )
    op.execute(
        "CREATE TRIGGER lines_go AFTER DELETE ON lines BEGIN"
        " INSERT INTO lines_words(lines_words, rowid, words)"
        " VALUES ('delete', old.id, old.words); END"
    )


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _foreign(table: str, column: str, parent: str, **options: Any) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [parent], name=f"fk_{table}_{column}", **options)


def _of_video(table: str) -> sa.ForeignKeyConstraint:
    return _foreign(table, "video_id", "videos.id", ondelete="CASCADE")


def _unique_where(name: str, columns: list[str], condition: str) -> None:
    op.create_index(
        f"uq_generations_{name}",
        "generations",
        columns,
        unique=True,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
