"""A service of real processes in a folder: workers, Redis where the mode has it, an open store."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.chaos import stub
from tests.chaos.parts import Part
from tests.redis_server import RedisServer, redis_program
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service_settings import ServiceSettings, load_service_settings

Mode = Literal["embedded", "celery"]
MODES: tuple[Mode, ...] = ("embedded", "celery")


@dataclass(slots=True, kw_only=True)
class Stage:
    """What runs; whoever holds it calls :meth:`keep` often, so that what ended begins anew."""

    folder: Path
    store: JobStore
    redis: RedisServer | None
    environ: dict[str, str]
    workers: list[Part] = field(default_factory=list)
    others: list[Part] = field(default_factory=list)

    def keep(self, seconds: float) -> None:
        """For so long, start whatever is down."""
        self.until(lambda: False, seconds)

    def until(self, done: Callable[[], bool], patience_s: float, *, look_s: float = 0.05) -> bool:
        """The same until something holds; whether it does."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            for part in (*self.workers, *self.others):
                part.keep()
            if done():
                return True
            time.sleep(look_s)
        return False

    def add(self, name: str, module: str, *words: str) -> Part:
        """Another process of this service: ``python -m module words``."""
        command = [sys.executable, "-m", module, *words]
        part = Part(name, command, folder=self.folder, environ=self.environ, pause_s=0.1)
        self.others.append(part)
        return part


@contextlib.contextmanager
def stage(
    mode: Mode,
    folder: Path,
    *,
    workers: int,
    settings: Mapping[str, object],
    stubbed: bool = True,
) -> Iterator[Stage]:
    """Workers and their broker are not begun before the stage is kept; nothing runs behind the
    block.

    ``settings`` are those of service and session, by their names. ``stubbed``: no model, but
    :mod:`tests.chaos.stub`.
    """
    redis = _redis() if mode == "celery" else None
    with redis or contextlib.nullcontext():
        given = {"data_dir": folder, **settings}
        if redis is not None:
            given["broker"] = redis.url
        environ = {f"VIDQA_{name.upper()}": str(value) for name, value in given.items()}
        environ |= {stub.FOLDER: str(folder), "OMP_NUM_THREADS": "1"}
        environ["PYTHONPATH"] = os.pathsep.join(sys.path)
        if stubbed:
            environ["VIDQA_HANDLER"] = stub.NAME
        (folder / "products").mkdir(parents=True, exist_ok=True)
        known = ServiceSettings.model_fields
        told = {name: value for name, value in given.items() if name in known}
        store = open_jobs(load_service_settings(**told))
        held = Stage(folder=folder, store=store, redis=redis, environ=environ)
        for k in range(workers):
            command = [sys.executable, "-m", "vidqa", "worker"]
            held.workers.append(Part(f"worker-{k}", command, folder=folder, environ=environ))
        try:
            yield held
        finally:
            for part in (*held.others, *held.workers):
                part.end(patience_s=10)
            store.close()


def _redis() -> RedisServer:
    program = redis_program()
    if program is None:
        raise RuntimeError("needs redis-server or valkey-server: apt install redis-server")
    return RedisServer(program)
