"""Waiting for a disk or a database beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio.to_thread import run_sync

_Args = ParamSpec("_Args")
_Out = TypeVar("_Out")


async def aside(call: Callable[_Args, _Out], *args: _Args.args, **kwargs: _Args.kwargs) -> _Out:
    """Run what waits for a disk or a database in a thread, so that other requests go on."""
    return await run_sync(lambda: call(*args, **kwargs))
