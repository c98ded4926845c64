"""seccomp: system calls that decoding never needs are refused, whoever asks for them, for good.

A list of what is refused, for what libraries may call changes with their versions; what is on it is
what makes a taken-over decoder worth something: the network, other processes, programs, writing.
The filter is a few dozen instructions of classic BPF. Source: seccomp(2), linux/seccomp.h,
linux/filter.h; numbers of calls from the kernel's tables (asm/unistd_64.h, asm-generic/unistd.h).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_NO_NEW_PRIVS, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCH_AT, _ARGS_AT = 0, 4, 16
_X32 = 0x40000000
_THREAD = 0x00010000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ARCHES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_NONE = -1

# name: (x86-64, AArch64); -1 where the processor's table has no such call.
_NETWORK = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "socketpair": (53, 199),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
}  # fmt: skip
_OTHERS = {
    "fork": (57, _NONE), "vfork": (58, _NONE), "ptrace": (101, 117), "tkill": (200, 130),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
}  # fmt: skip
_KERNEL = {
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "fsopen": (430, 430),
    "move_mount": (429, 429), "mount_setattr": (442, 442), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "reboot": (169, 142), "swapon": (167, 224), "personality": (135, 92),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "setrlimit": (160, 164),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "sethostname": (170, 161),
}  # fmt: skip
_PROGRAMS = {"execve": (59, 221), "execveat": (322, 281), "memfd_create": (319, 279)}
_FILES = {
    "creat": (85, _NONE), "truncate": (76, 45), "unlink": (87, _NONE), "unlinkat": (263, 35),
    "rename": (82, _NONE), "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, _NONE),
    "mkdirat": (258, 34), "rmdir": (84, _NONE), "link": (86, _NONE), "linkat": (265, 37),
    "symlink": (88, _NONE), "symlinkat": (266, 36), "mknod": (133, _NONE), "mknodat": (259, 33),
    "chmod": (90, _NONE), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, _NONE), "lchown": (94, _NONE), "fchown": (93, 55), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "utime": (132, _NONE),
    "utimes": (235, _NONE), "futimesat": (261, _NONE), "utimensat": (280, 88),
}  # fmt: skip
_OPEN, _OPENAT, _CLONE, _PRLIMIT = (2, _NONE), (257, 56), (56, 220), (302, 261)
_KILLS = ((62, 129), (234, 131))
_UNREADABLE = ((435, 435), (437, 437))
"""clone3 and openat2: their flags lie in memory, where a filter cannot look; "no such call" makes
libraries use the older ones, which it can judge."""

Instruction = tuple[int, int, int, int]


def available() -> bool:
    """Whether this is a system whose table of calls is known here."""
    return sys.platform == "linux" and platform.machine() in _ARCHES and sys.maxsize > 1 << 32


def forbid(*, programs: bool, writing: bool) -> bool:
    """Refuse the listed calls to this process, and to what it starts; whether that is in force.

    Always refused: the network, other processes, the kernel's own affairs. With ``programs``
    starting programs and processes too, with ``writing`` every change to the file system. Call it
    while there is one thread. Raises :class:`OSError` where the kernel refuses the filter.
    """
    if not available():
        return False
    code = _filter(*_ARCHES[platform.machine()], programs=programs, writing=writing)
    packed = b"".join(struct.pack("<HBBI", *each) for each in code)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    program = _Program(len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((_NO_NEW_PRIVS, 1, 0, 0, 0), (_SET_SECCOMP, _MODE_FILTER, None, 0, 0)):
        given = (call[0], call[1], ctypes.byref(program), 0, 0) if call[2] is None else call
        if libc.prctl(*given):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    return True


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def _filter(arch: int, column: int, *, programs: bool, writing: bool) -> list[Instruction]:
    lists = [_NETWORK, _OTHERS, _KERNEL]
    lists += [_PROGRAMS] if programs else []
    lists += [_FILES] if writing else []
    refused = sorted({call[column] for each in lists for call in each.values()} - {_NONE})
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_JUMP_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_ABOVE, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    for number in refused:
        code += [(_JUMP_EQUAL, 0, 1, number), _refusal(errno.EPERM)]
    for call in _UNREADABLE:
        code += [(_JUMP_EQUAL, 0, 1, call[column]), _refusal(errno.ENOSYS)]
    for call in _KILLS:  # of itself alone: that is how abort() ends a process
        code += _judged(call[column], 0, [(_JUMP_EQUAL, 1, 0, os.getpid())])
    code += _judged(_PRLIMIT[column], 2, _zero(2))  # asking for limits is allowed
    if programs:
        code += _judged(_CLONE[column], 0, [(_JUMP_SET, 1, 0, _THREAD)])
    if writing:
        code += _judged(_OPENAT[column], 2, [(_JUMP_SET, 0, 1, _WRITING)])
        code += _judged(_OPEN[column], 1, [(_JUMP_SET, 0, 1, _WRITING)])
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _judged(number: int, argument: int, test: list[Instruction]) -> list[Instruction]:
    """For one call, refuse unless the test, which gets 32 bits of an argument, skips a step."""
    if number == _NONE:
        return []
    body: list[Instruction] = [
        (_LOAD, 0, 0, _ARGS_AT + 8 * argument),
        *test,
        _refusal(errno.EPERM),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    return [(_JUMP_EQUAL, 0, len(body), number), *body]


def _zero(argument: int) -> list[Instruction]:
    """A test that all 64 bits of an argument, whose lower half is loaded, are 0."""
    upper = _ARGS_AT + 8 * argument + 4
    return [(_JUMP_EQUAL, 0, 2, 0), (_LOAD, 0, 0, upper), (_JUMP_EQUAL, 1, 0, 0)]


def _refusal(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)
