"""How full the cache is, and of what."""

from __future__ import annotations

from contextlib import suppress

from vidqa.cache.folder import CacheFolder
from vidqa.cache.pack import read_pack
from vidqa.cache.rows import of_this_version
from vidqa.errors import CacheError


def summary(folder: CacheFolder) -> dict[str, object]:
    """``folder``, ``bytes`` of ``budget_bytes``, ``files`` of any version; ``videos`` and ``rows``
    of this one, by the heads of its files. Raises :class:`CacheError` if it cannot be read."""
    entries, videos, rows = folder.entries(), set(), 0
    for entry in entries:
        if not of_this_version(folder, entry):
            continue
        with suppress(CacheError, OSError):  # damaged or gone: whoever needs it finds out
            pack = read_pack(entry.path)
            videos.add(pack.space.video)
            rows += len(pack.table_R)
    return {
        "folder": str(folder.root),
        "bytes": sum(entry.size for entry in entries),
        "budget_bytes": int(folder.budget_bytes),
        "files": len(entries),
        "videos": len(videos),
        "rows": rows,
    }
