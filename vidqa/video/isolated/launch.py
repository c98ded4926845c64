"""Confine this process, then become a program: ``launch.py '{"read": [...]}' /bin/ffmpeg ...``

Run by its path, so that starting it loads nothing but these few files: see
:func:`vidqa.video.program.run`, which starts it. Exit status 126 when the program cannot be run.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import suppress

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

import landlock  # type: ignore[import-not-found]
import seccomp  # type: ignore[import-not-found]

SYSTEM = (
    *("/usr", "/bin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu", "/proc/cpuinfo"),
)
"""Where programs and their libraries lie; nobody's data."""


def main() -> None:
    """Put the walls up and run the program."""
    walls, command = json.loads(sys.argv[1]), sys.argv[2:]
    limits = {
        resource.RLIMIT_AS: walls["address_bytes"],
        resource.RLIMIT_CPU: walls["cpu_s"],
        resource.RLIMIT_FSIZE: walls["file_bytes"],
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    for which, most in limits.items():
        with suppress(ValueError, OSError):  # not every system has all, or lower ones stand
            resource.setrlimit(which, (most, most))
    code = landlock.READ_FILE | landlock.READ_DIR | landlock.EXECUTE
    write = landlock.READ_FILE | landlock.WRITE_FILE | landlock.TRUNCATE
    landlock.keep_only(
        [
            *((path, code) for path in (*SYSTEM, *walls["code"])),
            *((path, landlock.READ_FILE) for path in walls["read"]),
            *((path, write) for path in (*walls["write"], "/dev/null")),
        ]
    )
    seccomp.forbid(programs=False, writing=False)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    try:
        main()
    except OSError as err:
        print(f"cannot be run behind walls: {err}", file=sys.stderr)  # noqa: T201
        sys.exit(126)
