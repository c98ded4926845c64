"""Uploaded and fetched videos: files named by what is in them, and a row for each tenant's.

A file lies at ``media/ab/abcdef...`` of the service's folder, under the digest of its bytes,
however many tenants have it; it goes with the last of their rows. Whoever adds or removes a row
holds the lock of the file's own row meanwhile. A file to be deleted is put aside within the
transaction and unlinked behind it: one that was put aside when the process died is brought back, or
unlinked, at the next opening.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from vidqa.database import Database, now_s
from vidqa.errors import ServiceError
from vidqa.service.ids import new_id
from vidqa.service.paging import check_size, id_before, list_key, token_behind
from vidqa.service.records import StoredVideo, VideoPage, VideoState
from vidqa.service.rows import to_text, video_of
from vidqa.service.tables import media, stored_videos

_NAME_MAX = 255
_DIGEST = 64


class Library:
    """The videos of a service, by tenant. Raises :class:`ServiceError` for what is not there."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._db, self.folder = database, folder
        for name in ("media", "incoming", "going"):
            _make(folder / name)
        self._recover()

    @property
    def incoming(self) -> Path:
        """Where uploads are written before they are adopted: on the same disk as the rest."""
        return self.folder / "incoming"

    def path_of(self, sha256: str) -> Path:
        """Where the file of these bytes lies, or would."""
        return self.folder / "media" / sha256[:2] / sha256

    def adopt(self, tenant: str, file: Path, sha256: str, name: str) -> StoredVideo:
        """Take a whole file of ``incoming`` over; it is gone from there afterwards.

        ``sha256`` is the digest of its bytes, which whoever wrote it has reckoned. A tenant who has
        these bytes already gets that video, as it was. A new one is ``arrived``: not measured.
        """
        if len(sha256) != _DIGEST or not sha256.isalnum() or not sha256.isascii():
            raise ValueError(f"{sha256!r} is no SHA-256 in hexadecimal")
        size = _synced(file)
        with self._db.writing() as db:
            self._hold(db, sha256, size)
            found = self._rows(db, stored_videos.c.sha256 == sha256, tenant=tenant)
            if not found:
                self._enter(db, tenant, sha256, name)
                found = self._rows(db, stored_videos.c.sha256 == sha256, tenant=tenant)
            self._place(file, sha256)
        return found[0]

    def get(self, tenant: str | None, video_id: str) -> StoredVideo:
        """Raises :class:`ServiceError`, code ``video_missing``, also for another tenant's."""
        with self._db.reading() as db:
            found = self._rows(db, stored_videos.c.id == video_id, tenant=tenant)
        if not found:
            raise _missing(video_id)
        return found[0]

    def find(self, tenant: str, sha256: str) -> StoredVideo | None:
        """The tenant's video of these bytes; None where there is none."""
        with self._db.reading() as db:
            found = self._rows(db, stored_videos.c.sha256 == sha256, tenant=tenant)
        return found[0] if found else None

    def rename(self, tenant: str, video_id: str, name: str) -> StoredVideo:
        """Show it under another name; raises :class:`ServiceError`, code ``video_missing``."""
        mine = (stored_videos.c.id == video_id) & (stored_videos.c.tenant == tenant)
        with self._db.writing() as db:
            db.execute(update(stored_videos).where(mine).values(name=_shown(name)))
        return self.get(tenant, video_id)

    def page(self, tenant: str, *, size: int = 20, token: str | None = None) -> VideoPage:
        """The tenant's videos, newest first; raises :class:`ServiceError` for a page of 0 or more
        than 200, and for a token of another list."""
        check_size(size, ServiceError)
        key = list_key("videos", tenant)
        which = stored_videos.c.id < "w"
        if token is not None:
            which = stored_videos.c.id < id_before("vid", token, key, ServiceError)
        with self._db.reading() as db:
            found = self._rows(db, which, tenant=tenant, limit=size + 1)
        shown, more = tuple(found[:size]), len(found) > size
        return VideoPage(videos=shown, next_token=token_behind(shown[-1].id, key) if more else None)

    def describe(
        self,
        sha256: str,
        *,
        facts: Mapping[str, Any] | None,
        state: VideoState = "ready",
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down what was measured of these bytes, whoever has them; or why they were not."""
        told = {
            "facts": None if facts is None else to_text(dict(facts)),
            "error": None if error is None else to_text(dict(error)),
            "state": state,
        }
        with self._db.writing() as db:
            db.execute(update(stored_videos).where(stored_videos.c.sha256 == sha256).values(**told))

    def unmeasured(self) -> list[StoredVideo]:
        """Every tenant's videos that are ``arrived``, the oldest first."""
        with self._db.reading() as db:
            return self._rows(db, stored_videos.c.state == "arrived")[::-1]

    def delete(self, tenant: str, video_id: str) -> None:
        """Remove the tenant's video, and its bytes where nobody else has them; raises
        :class:`ServiceError`, code ``video_missing``."""
        sha256 = self.get(tenant, video_id).sha256
        aside = self.folder / "going" / f"{sha256}.{new_id('evt')}"
        try:
            with self._db.writing() as db:
                self._hold(db, sha256, 0)
                _remove(db, tenant, video_id)
                if not self._rows(db, stored_videos.c.sha256 == sha256, limit=1):
                    db.execute(delete(media).where(media.c.sha256 == sha256))
                    _move(self.path_of(sha256), aside)
        except BaseException:
            _move(aside, self.path_of(sha256))
            raise
        aside.unlink(missing_ok=True)

    def total_bytes(self, tenant: str) -> int:
        """Bytes of all the tenant's videos together, whoever else has them too."""
        sizes = select(media.c.bytes).join(stored_videos, stored_videos.c.sha256 == media.c.sha256)
        with self._db.reading() as db:
            return sum(db.execute(sizes.where(stored_videos.c.tenant == tenant)).scalars())

    def _hold(self, db: Connection, sha256: str, size: int) -> None:
        """Lock the row of the file, made where there is none."""
        entered = self._db.insert(media).values(sha256=sha256, bytes=size)
        db.execute(entered.on_conflict_do_nothing())
        db.execute(select(media).where(media.c.sha256 == sha256).with_for_update())

    def _enter(self, db: Connection, tenant: str, sha256: str, name: str) -> None:
        db.execute(
            insert(stored_videos).values(
                id=new_id("vid"),
                tenant=tenant,
                sha256=sha256,
                name=_shown(name),
                state="arrived",
                created_at=now_s(),
            )
        )

    def _place(self, file: Path, sha256: str) -> None:
        path = self.path_of(sha256)
        if path.exists():
            file.unlink()
            return
        _make(path.parent)
        file.chmod(stat.S_IRUSR)
        file.replace(path)
        _sync_folder(path.parent)

    def _rows(
        self, db: Connection, which: Any, *, tenant: str | None = None, limit: int | None = None
    ) -> list[StoredVideo]:
        asked = (
            select(*stored_videos.c, media.c.bytes)
            .join_from(stored_videos, media, stored_videos.c.sha256 == media.c.sha256)
            .where(which)
            .order_by(stored_videos.c.id.desc())
        )
        if tenant is not None:
            asked = asked.where(stored_videos.c.tenant == tenant)
        rows = db.execute(asked if limit is None else asked.limit(limit)).all()
        return [video_of(row, self.path_of(row.sha256)) for row in rows]

    def _recover(self) -> None:
        """What a process that died had put aside is brought back, or goes."""
        for aside in sorted((self.folder / "going").iterdir()):
            sha256 = aside.name.partition(".")[0]
            with self._db.writing() as db:
                wanted = self._rows(db, stored_videos.c.sha256 == sha256, limit=1)
                if wanted and not self.path_of(sha256).exists():
                    _move(aside, self.path_of(sha256))
                else:
                    aside.unlink(missing_ok=True)


def open_library(database: Database, folder: Path) -> Library:
    """The videos whose rows are in ``database`` and whose files lie below ``folder``.

    Raises :class:`ServiceError` where that cannot be written.
    """
    try:
        return Library(database, folder)
    except OSError as err:
        raise ServiceError(
            f"the service's folder {folder} cannot be used: {err.strerror}",
            code="service_folder",
            next_step="Correct its permissions, or name another: VIDQA_DATA_DIR.",
        ) from err


def _remove(db: Connection, tenant: str, video_id: str) -> None:
    mine = (stored_videos.c.id == video_id, stored_videos.c.tenant == tenant)
    if not db.execute(delete(stored_videos).where(*mine)).rowcount:
        raise _missing(video_id)


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _move(here: Path, there: Path) -> None:
    if here.exists():
        _make(there.parent)
        here.replace(there)


def _synced(file: Path) -> int:
    """Force it to the disk; its size in bytes."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
        return os.fstat(stream.fileno()).st_size


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _shown(name: str) -> str:
    """A client's name as text that may be shown anywhere."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:_NAME_MAX] or "video"


def _missing(video_id: str) -> ServiceError:
    return ServiceError(
        f"there is no video {video_id[:60]!r}",
        code="video_missing",
        next_step="Upload it, or list videos to see those there are.",
    )
