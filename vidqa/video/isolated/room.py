"""Memory that two processes share and no name leads to: it is gone with the last of them.

A memory file (Linux), or a temporary file without a name elsewhere. It is sealed at its size: were
it cut short by the other side, touching it here would be a bus error.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile

from vidqa.errors import VideoError


def new_room(size: int) -> int:
    """The descriptor of ``size`` bytes of zeros; the caller's to close."""
    try:
        if not hasattr(os, "memfd_create"):
            with tempfile.TemporaryFile() as file:
                handle = os.dup(file.fileno())
            os.ftruncate(handle, size)
            return handle
        handle = os.memfd_create("vidqa-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(handle, size)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
    except OSError as err:
        raise VideoError(
            f"no room of {size:,} bytes for decoded frames ({err.strerror})",
            code="memory_short",
            next_step="Ask for fewer or smaller frames, or free memory.",
        ) from err
    return handle


def mapped(handle: int, size: int) -> mmap.mmap:
    """The bytes of a room."""
    return mmap.mmap(handle, size)
