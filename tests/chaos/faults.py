"""What may go wrong, each as one thing to do to a running service."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from tests.chaos.parts import Part, signal_process
from tests.redis_server import RedisServer


@dataclass(slots=True, kw_only=True)
class Victims:
    """Whom faults may hit."""

    workers: Sequence[Part]
    fronts: Sequence[Part]
    """The API, and the client that asks it for jobs."""
    redis: RedisServer | None
    lease_s: float
    redis_away_s: tuple[float, float] = (0.1, 1.5)


def worker(victims: Victims, draw: random.Random) -> bool:
    """A worker's first process is killed, with all that it supervised left to itself."""
    return draw.choice(victims.workers).send(signal.SIGKILL)


def child(victims: Victims, draw: random.Random) -> bool:
    """The process in which a job runs is killed, as the kernel does when memory is short."""
    leaves = draw.choice(victims.workers).leaves()
    return bool(leaves) and signal_process(draw.choice(leaves), signal.SIGKILL)


def middle(victims: Victims, draw: random.Random) -> bool:
    """A process that is neither first nor last, where there is one (Celery's own)."""
    part = draw.choice(victims.workers)
    leaves = {each.pid for each in part.leaves()}
    between = [each for each in part.tree()[1:] if each.pid not in leaves]
    return bool(between) and signal_process(draw.choice(between), signal.SIGKILL)


def front(victims: Victims, draw: random.Random) -> bool:
    """The API or its client is killed."""
    return draw.choice(victims.fronts).send(signal.SIGKILL)


def redis_killed(victims: Victims, draw: random.Random) -> bool:
    """The broker is killed, stays away for a moment, and comes back empty."""
    if victims.redis is None:
        return False
    victims.redis.kill()
    time.sleep(draw.uniform(*victims.redis_away_s))
    victims.redis.start()
    return True


def redis_emptied(victims: Victims, draw: random.Random) -> bool:
    """FLUSHALL."""
    del draw
    if victims.redis is None:
        return False
    victims.redis.call("FLUSHALL")
    return True


def frozen(victims: Victims, draw: random.Random) -> bool:
    """A process in which jobs run stands still past its lease, then goes on as if nothing were."""
    leaves = draw.choice(victims.workers).leaves()
    return bool(leaves) and _freeze([draw.choice(leaves)], victims.lease_s * draw.uniform(1.2, 2))


def all_frozen(victims: Victims, draw: random.Random) -> bool:
    """The same for a whole worker, as when a machine is suspended."""
    tree = draw.choice(victims.workers).tree()
    return bool(tree) and _freeze(tree, victims.lease_s * draw.uniform(1.2, 2))


def _freeze(processes: Sequence[psutil.Process], seconds: float) -> bool:
    stopped = [each for each in processes if signal_process(each, signal.SIGSTOP)]

    def wake() -> None:
        for process in stopped:
            signal_process(process, signal.SIGCONT)

    timer = threading.Timer(seconds, wake)  # other faults go on meanwhile
    timer.start()
    return bool(stopped)


Fault = Callable[[Victims, random.Random], bool]
"""Whether it hit anybody."""
EMBEDDED: dict[str, tuple[Fault, int]] = {
    "worker killed": (worker, 3),
    "child killed": (child, 4),
    "API or client killed": (front, 2),
    "child frozen": (frozen, 2),
    "worker frozen": (all_frozen, 1),
}
"""Name to fault and how often it is drawn beside the others."""
CELERY: dict[str, tuple[Fault, int]] = EMBEDDED | {
    "Celery killed": (middle, 2),
    "Redis killed": (redis_killed, 2),
    "FLUSHALL": (redis_emptied, 2),
}
