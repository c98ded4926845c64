"""What the parts of a store share: the database, and errors that more than one of them raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from vidqa.archive.tables import generations
from vidqa.database import Database
from vidqa.errors import ArchiveError


@dataclass(frozen=True, slots=True)
class Part:
    """One concern of a store, over the database that all share."""

    _db: Database
    _uid: str
    """Tells this database from every other."""


def no_video(video_id: int) -> ArchiveError:
    """There is none of this id, or no longer."""
    return ArchiveError(
        f"the archive holds no video {video_id}",
        code="video_unknown",
        next_step="`vidqa archive ls` shows those it holds.",
    )


def generation_row(
    db: Connection, generation_id: int, *, lock: bool = False, retired: bool = False
) -> Any:
    """Its row; raises :class:`ArchiveError` where there is none, or it was retired."""
    asked = select(generations).where(generations.c.id == generation_id)
    row = db.execute(asked.with_for_update() if lock else asked).one_or_none()
    if row is None or (row.state == "retired" and not retired):
        raise ArchiveError(
            f"generation {generation_id} of the archive's vectors "
            + ("does not exist" if row is None else "was retired"),
            code="generation_unknown",
            next_step="Ask for the generation of a model and recipe again.",
        )
    return row
