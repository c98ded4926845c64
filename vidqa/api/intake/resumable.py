"""Uploads in parts, kept on the disk between them: the storage under tus 1.0 (tus.io/protocols).

One folder to an upload, named by its id: ``body`` holds what has arrived and was forced to the
disk, so its size is the offset; ``upload.json`` says the rest. A client that was cut off asks for
the offset and goes on there, also after the service was started anew.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from vidqa.api.intake.arrival import disk_errors
from vidqa.api.intake.looking import check_video
from vidqa.errors import NotNow, RequestError, VideoError
from vidqa.service.ids import is_id, new_id
from vidqa.video.digest import file_sha256

KEPT_S = 86_400.0
"""How long an upload is kept after its last part."""
OPEN_MAX = 100
"""Unfinished uploads of one tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload, as it was at one moment."""

    id: str
    tenant: str
    length: int
    """Bytes of the whole file."""
    metadata: str
    """``Upload-Metadata`` as it was sent: HEAD gives it back."""
    name: str
    """The client's name of the file: to be shown, and for nothing else."""
    sha256: str | None
    """What the client says the whole file's digest is."""
    created_at: float
    offset: int = 0
    video_id: str | None = None
    """What it became, once it was whole."""
    expires_at: float = 0.0


class Uploads:
    """The uploads below one folder. Not for the event loop: every method waits for the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(
        self, tenant: str, length: int, *, metadata: str, name: str, sha256: str | None
    ) -> Upload:
        """A new, empty upload; raises ``too_many_uploads`` where the tenant has 100 unfinished."""
        unfinished = sum(each.video_id is None for each in self.of_tenant(tenant))
        if unfinished >= OPEN_MAX:
            raise NotNow(
                f"{unfinished} uploads are unfinished, as many as may be",
                code="too_many_uploads",
                next_step="Finish them, or end them with DELETE /v1/uploads/ID.",
            )
        upload = Upload(
            id=new_id("upl"),
            tenant=tenant,
            length=length,
            metadata=metadata,
            name=name,
            sha256=sha256,
            created_at=time.time(),
        )
        place = self.folder / upload.id
        with disk_errors(place):
            place.mkdir(parents=True, mode=0o700)
            self._body(upload.id).touch(mode=0o600)
        self._write(upload)
        return self.get(tenant, upload.id)

    def get(self, tenant: str, upload_id: str) -> Upload:
        """Raises ``upload_missing`` for one that is unknown, expired or another tenant's."""
        upload = self._read(upload_id) if is_id("upl", upload_id) else None
        if upload is None or upload.tenant != tenant or upload.expires_at < time.time():
            raise RequestError(
                f"there is no upload {upload_id[:100]!r}",
                code="upload_missing",
                next_step="Begin anew with POST /v1/uploads; one is kept for a day.",
            )
        return upload

    def has(self, upload: Upload) -> bool:
        """Whether it has not been ended."""
        return self._body(upload.id).exists()

    def of_tenant(self, tenant: str) -> list[Upload]:
        """Those that have not expired."""
        now = time.time()
        return [each for each in self._all() if each.tenant == tenant and each.expires_at >= now]

    def lock(self, upload: Upload) -> ExitStack:
        """Keeps other writers of this upload out until it is closed, or its ``with`` block ends.

        Raises ``upload_busy`` where one is at it.
        """
        lock = FileLock(self.folder / upload.id / "lock", timeout=0, thread_local=False)
        with disk_errors(self._body(upload.id)):
            try:
                lock.acquire()
            except Timeout as err:  # an OSError, too
                raise RequestError(
                    f"another request is writing upload {upload.id}",
                    code="upload_busy",
                    next_step="Ask with HEAD for the offset in a moment, then go on there.",
                ) from err
        held = ExitStack()
        held.callback(lock.release)
        return held

    def append(self, upload: Upload, data: bytes | bytearray) -> int:
        """Write behind what is there; returns the new offset."""
        body = self._body(upload.id)
        with disk_errors(body), body.open("ab") as file:
            file.write(data)
            return file.tell()

    def look(self, upload: Upload) -> None:
        """Raise :class:`vidqa.errors.VideoError` where what has arrived begins no video, and end
        the upload: nothing that could follow would make it one."""
        try:
            check_video(self._body(upload.id), upload.name)
        except VideoError:
            self.end(upload)
            raise

    def settle(self, upload: Upload) -> Upload:
        """Force what has arrived to the disk, so that it is the offset."""
        body = self._body(upload.id)
        with disk_errors(body), body.open("rb+") as file:
            os.fsync(file.fileno())
        return self.get(upload.tenant, upload.id)

    def cut_back(self, upload: Upload) -> None:
        """Forget what arrived behind the upload's offset."""
        body = self._body(upload.id)
        with disk_errors(body), body.open("rb+") as file:
            file.truncate(upload.offset)
            os.fsync(file.fileno())

    def whole(self, upload: Upload) -> tuple[Path, str]:
        """The file of a finished upload, and its SHA-256."""
        body = self._body(upload.id)
        with disk_errors(body):
            return body, file_sha256(body)

    def became(self, upload: Upload, video_id: str) -> Upload:
        """Remember which video it became; the file is the library's from now on."""
        done = replace(upload, video_id=video_id, offset=upload.length)
        self._write(done)
        self._body(upload.id).unlink(missing_ok=True)
        return done

    def end(self, upload: Upload) -> None:
        """Remove it with all that has arrived."""
        shutil.rmtree(self.folder / upload.id, ignore_errors=True)

    def sweep(self) -> int:
        """Remove those that have expired; returns how many."""
        now, removed = time.time(), 0
        for upload in self._all():
            if upload.expires_at < now:
                self.end(upload)
                removed += 1
        return removed

    def _all(self) -> Iterator[Upload]:
        if not self.folder.is_dir():
            return
        for place in self.folder.iterdir():
            upload = self._read(place.name) if is_id("upl", place.name) else None
            if upload is not None:
                yield upload

    def _body(self, upload_id: str) -> Path:
        return self.folder / upload_id / "body"

    def _read(self, upload_id: str) -> Upload | None:
        about = self.folder / upload_id / "upload.json"
        try:
            told = json.loads(about.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None  # never was, or has just been ended
        upload = Upload(**told)
        if upload.video_id is not None:
            return replace(upload, offset=upload.length, expires_at=about.stat().st_mtime + KEPT_S)
        try:
            state = self._body(upload_id).stat()
        except FileNotFoundError:
            return None
        return replace(upload, offset=state.st_size, expires_at=state.st_mtime + KEPT_S)

    def _write(self, upload: Upload) -> None:
        place = self.folder / upload.id
        aside = place / "upload.json.new"
        with disk_errors(place):
            aside.write_text(json.dumps(asdict(upload)), "utf-8")
            aside.replace(place / "upload.json")
