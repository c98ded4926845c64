"""Landlock (Linux 5.13 and newer): a process gives up all files but those named, for good.

Through ctypes: the kernel's three calls have the same numbers on every processor, and no binding is
kept up. Source: linux/landlock.h, and Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_REG, TRUNCATE = 1 << 5, 1 << 8, 1 << 14
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version of the interface knows; 16 from the fifth on."""
_NET, _SCOPES = 0b11, 0b11
"""Binding and connecting TCP (version 4); abstract sockets and signals (version 6)."""
_NO_NEW_PRIVS = 38


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Of the kernel's interface; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)))


def keep_only(rules: Iterable[tuple[str | int, int]]) -> int:
    """Give up all files but these, TCP, and signals to others; the version in force, 0 for none.

    A rule is a path (or a descriptor) with the rights that are kept on it and below it; a path that
    is not there is passed over. Raises :class:`OSError` where the kernel has Landlock but refuses.
    """
    known = version()
    if not known:
        return 0
    libc = _libc()
    rights = (1 << _FS_BITS.get(known, 16)) - 1
    attributes = _Ruleset(rights, _NET if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = _checked(libc.syscall(_CREATE, ctypes.byref(attributes), ctypes.c_size_t(size), 0))
    try:
        for place, wanted in rules:
            _add(libc, ruleset, place, wanted & rights)
        _checked(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)
    return known


def _add(libc: ctypes.CDLL, ruleset: int, place: str | int, wanted: int) -> None:
    try:
        handle = place if isinstance(place, int) else os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = os.fstat(handle).st_mode & 0o170000 == 0o040000
        rule = _PathBeneath(wanted if is_folder else wanted & _FILE_RIGHTS, handle)
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        if handle != place:
            os.close(handle)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
