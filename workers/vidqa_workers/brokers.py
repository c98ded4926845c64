"""Whether a broker is one to rely on: its version, and whether it throws messages away.

What is found is told once, when a worker starts; it stops nobody, for distributions mend old
versions without a new number, and jobs that a broker loses are sent again.
"""

from __future__ import annotations

from collections.abc import Mapping

import redis

Version = tuple[int, int, int]

FLOORS: dict[str, tuple[Version, ...]] = {
    "redis": ((6, 2, 20), (7, 2, 11), (7, 4, 6), (8, 2, 2)),
    "valkey": ((9, 1, 1),),
}
"""The first release of each line without the holes known in November 2026 (CVE-2025-49844 and its
like among them), oldest line first; of a line that is not named, the next newer one counts."""


def broker_warnings(url: str, *, timeout_s: float = 5.0) -> list[str]:
    """What to tell about the server at ``url``; nothing where it cannot be reached.

    A broker that is away is no news here: workers wait for it, and say so.
    """
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s
        ) as server:
            return warnings_of(server.info())
    except redis.RedisError:
        return []


def warnings_of(info: Mapping[str, object]) -> list[str]:
    """The same of what the server's ``INFO`` says."""
    found = []
    name, version = server_version(info)
    floor = floor_of(name, version)
    if version < floor:
        found.append(
            f"the broker is {name} {_dotted(version)}, which has known holes: take {_dotted(floor)}"
            " or newer, unless your distribution has mended this one"
        )
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        found.append(
            f"the broker throws away keys when its memory is full (maxmemory-policy {policy}), and"
            " queues are keys: set it to noeviction"
        )
    return found


def server_version(info: Mapping[str, object]) -> tuple[str, Version]:
    """``("redis" | "valkey", (major, minor, patch))``; Valkey says an old Redis version as well."""
    name = "valkey" if "valkey_version" in info else "redis"
    numbers = str(info.get(f"{name}_version", "0.0.0")).split(".")
    major, minor, patch = (
        int(each) if each.isdecimal() else 0 for each in (*numbers, "0", "0")[:3]
    )
    return name, (major, minor, patch)


def floor_of(name: str, version: Version) -> Version:
    """The least sound version of its line, or else of the next newer line; the newest's at last."""
    floors = FLOORS[name]
    return next((floor for floor in floors if floor[:2] >= version[:2]), min(floors[-1], version))


def _dotted(version: Version) -> str:
    return ".".join(str(number) for number in version)
