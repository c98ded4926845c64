"""What a process that decodes may still do: little, and for good.

| what | how | where |
|---|---|---|
| memory, processor time, open files, no writing, no core | resource limits | Linux, macOS in part |
| it ends with the process that forked it | ``PR_SET_PDEATHSIG`` | Linux |
| no network, no processes, no programs, no writing | :mod:`.seccomp` | Linux, x86-64 and AArch64 |
| no file but its own, and the code of libraries | :mod:`.landlock` | Linux 5.13 and newer |

Code stays readable because libraries import parts of themselves late, and other parts with every
version: a reader that a new version of numpy breaks would help nobody.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

from vidqa.video.isolated import landlock, seccomp

BASE_BYTES = 2 << 30
"""Address space of a decoding process beyond what it shares, in bytes."""
OPEN_FILES = 64
_PDEATHSIG = 1


def confine(path: str, *, parent: int) -> tuple[str, ...]:
    """Confine this process to reading ``path``; names the walls that stand.

    Call it while there is one thread, and before the file is touched. ``parent`` is the process
    that forked this one. Raises :class:`OSError` where the system knows a wall but refuses to put
    it up: then nothing must be decoded.
    """
    die_with(parent)
    bound_all()
    walls = ["limits"]
    code = landlock.READ_FILE | landlock.READ_DIR
    if landlock.keep_only(
        [(path, landlock.READ_FILE), *((each, code) for each in _code_folders())]
    ):
        walls.append("landlock")
    if seccomp.forbid(programs=True, writing=True):
        walls.append("seccomp")
    return tuple(walls)


def _code_folders() -> set[str]:
    """Where Python's own code and that of the libraries lies."""
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    for name in ("numpy", "av", "PIL", "vidqa"):
        for path in map(Path, sys.modules[name].__path__):
            beside = path.with_name(f"{name.lower().replace('pil', 'pillow')}.libs")
            folders |= {str(path), str(beside)}  # wheels keep shared libraries beside
    return folders


def bound_all() -> None:
    """The limits that stay for the life of this process, and the first of those that move."""
    for which, most in (
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(which, (most, most))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with suppress(ValueError, OSError):  # macOS knows this limit and takes no value for it
        resource.setrlimit(resource.RLIMIT_AS, (BASE_BYTES, hard))


def grant(pid: int, *, shared_bytes: int, cpu_s: int) -> None:
    """Set what another process may use from now on: shared memory on top, CPU seconds in all.

    Set from outside, for inside :mod:`.seccomp` lets no limit be set. Does nothing where one
    process cannot set another's limits; the wall clock ends it there.
    """
    if not hasattr(resource, "prlimit"):
        return
    with suppress(ProcessLookupError):  # its end is seen where its answer is waited for
        for which, most in (
            (resource.RLIMIT_AS, BASE_BYTES + 2 * shared_bytes),
            (resource.RLIMIT_CPU, cpu_s),
        ):
            _, hard = resource.prlimit(pid, which)
            resource.prlimit(pid, which, (most, hard))


def die_with(parent: int) -> None:
    """End when ``parent`` ends, if need be by force."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(0)
