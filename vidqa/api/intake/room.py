"""How many more bytes may come: of the disk's room, and of what one tenant may keep."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from vidqa.api.intake.arrival import disk_errors
from vidqa.errors import RequestError, ServiceError

_STALE_S = 86_400.0


def check_disk(folder: Path, coming: int, *, floor: int) -> None:
    """Raise :class:`ServiceError` ``disk_full`` where ``coming`` bytes would leave less than
    ``floor`` free on the disk of ``folder``: the database there must still be able to grow.
    """
    place = next(each for each in (folder, *folder.parents) if each.exists())
    with disk_errors(folder / "x"):
        free = shutil.disk_usage(place).free
    if free - coming < floor:
        raise ServiceError(
            f"{free:,} bytes are free on the disk of {folder}; {coming:,} more would leave less"
            f" than the {floor:,} that are kept free",
            code="disk_full",
            next_step="Make room there, name another data_dir, or lower min_free_bytes.",
        )


def check_quota(used: int, coming: int, *, quota: int) -> None:
    """Raise :class:`RequestError` ``quota_exceeded`` where a tenant would keep more than ``quota``
    bytes; 0 is no bound.
    """
    if quota and used + coming > quota:
        raise RequestError(
            f"{used:,} bytes are kept; {coming:,} more would be over the {quota:,} that may be",
            code="quota_exceeded",
            next_step="Remove videos with DELETE /v1/videos/ID; tenant_bytes sets the limit.",
        )


def sweep_incoming(folder: Path) -> int:
    """Remove files that have been there for a day: their process died. Returns how many."""
    removed, now = 0, time.time()
    if not folder.is_dir():
        return 0
    for path in folder.iterdir():
        if path.is_file() and path.stat().st_mtime < now - _STALE_S:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
