"""uvicorn in this process, with our application, our signals and our log."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from vidqa.api.app import make_app
from vidqa.logs import configure_logs
from vidqa.service_settings import ServiceSettings

DRAIN_S = 10
"""How long requests may go on once the server was told to stop; streams of events end at once."""
_SWITCH_S = 0.0005


class Server(uvicorn.Server):
    """uvicorn's, whose signals are ours: the first stops it in good order, the second at once."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, then tell."""
        await super().startup(sockets=sockets)
        if not self.should_exit:
            self._tell_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to :func:`run`: what else there is to stop is not uvicorn's business."""
        yield


def run(
    app: FastAPI,
    listener: socket.socket,
    *,
    started: Callable[[], None] = lambda: None,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends what is still being answered.

    ``started`` is called when requests are taken, ``stopping`` at every such signal.
    """
    _wait_little()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # vidqa.api.correlation logs requests
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=DRAIN_S,
    )
    server = Server(config, started)

    async def serve() -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            server.force_exit = server.should_exit
            server.should_exit = True
            app.state.service.stopping.set()
            stopping()

        def heard(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(stop)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, heard)
        await server.serve(sockets=[listener])

    asyncio.run(serve())


def _wait_little() -> None:
    """Threads hand the interpreter on sooner, and what was loaded is not searched for garbage.

    The thread that commits jobs and the one that answers wait for each other in every request:
    with Python's own 5 ms a submission took 8 ms and more where 6 do. A full collection
    stands still while it goes over all that FastAPI brings.
    """
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()


def replica(settings: ServiceSettings, listener: socket.socket) -> None:
    """One of several API processes on the same socket; the body of a child process."""
    configure_logs(settings.log_format, level=settings.log_level)
    run(make_app(settings), listener)
