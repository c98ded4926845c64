"""What a route works with: the settings, the store of jobs, the library, the meters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeVar

from anyio.to_thread import run_sync
from fastapi import Depends, Request

from vidqa.api.metrics import Metrics

if TYPE_CHECKING:
    from vidqa.jobs.store import JobStore
    from vidqa.service.library import Library
    from vidqa.service_settings import ServiceSettings

_Args = ParamSpec("_Args")
_Out = TypeVar("_Out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One application's parts; the store and the library may be used from any thread."""

    settings: ServiceSettings
    jobs: JobStore
    library: Library
    metrics: Metrics


async def aside(call: Callable[_Args, _Out], *args: _Args.args, **kwargs: _Args.kwargs) -> _Out:
    """Run what waits for a disk or a database in a thread, so that other requests go on."""
    return await run_sync(lambda: call(*args, **kwargs))


def service_of(request: Request) -> Service:
    """The parts of the application that got this request."""
    service = request.app.state.service
    assert isinstance(service, Service)  # noqa: S101  (make_app sets nothing else)
    return service


async def _service(request: Request) -> Service:
    return service_of(request)


TheService = Annotated[Service, Depends(_service)]
