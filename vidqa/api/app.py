"""The application: its layers, its routes, its beginning and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from vidqa import __version__
from vidqa.api import catching, openapi
from vidqa.api.bodies import Bodies
from vidqa.api.catching import Catching
from vidqa.api.correlation import Correlation
from vidqa.api.doors import Doors, Guard, KeyBook
from vidqa.api.hosts import Hosts
from vidqa.api.limits import Limits
from vidqa.api.metrics import Metrics
from vidqa.api.routes import LARGER_BODIES, ROUTERS
from vidqa.api.scopes import check_scopes
from vidqa.api.service import Service

if TYPE_CHECKING:
    from vidqa.jobs.store import JobStore
    from vidqa.service.library import Library
    from vidqa.service_settings import ServiceSettings

_TAKEN = (
    "Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Prefer", "Range",
    "Traceparent", "X-Request-Id", "Tus-Resumable", "Upload-Checksum", "Upload-Length",
    "Upload-Metadata", "Upload-Offset",
)  # fmt: skip
_EXPOSED = (
    "Location", "Retry-After", "X-Request-Id", "Traceparent", "Accept-Ranges", "Content-Range",
    "Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable", "Tus-Version",
    "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm",
)  # fmt: skip


def make_app(
    settings: ServiceSettings,
    *,
    store: JobStore | None = None,
    library: Library | None = None,
    keys: KeyBook | None = None,
) -> FastAPI:
    """The service for one set of settings.

    What is not given is opened as ``settings`` say and closed when the application ends; raises our
    errors where it cannot be, before anything listens. Nothing is started: see ``vidqa serve``.
    """
    opened = ExitStack()  # closes what was opened here, also where a later part does not open
    with opened:
        parts = _parts(settings, opened, store=store, library=library, keys=keys)
        closing = opened.pop_all()
    metrics = Metrics()
    service = Service(settings=settings, metrics=metrics, jobs=parts.jobs, library=parts.library)
    app = FastAPI(
        title="vidqa",
        version=__version__,
        openapi_url=None,  # a route of ours: it needs a key as everything does
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
        responses=openapi.PROBLEM_RESPONSES,
        middleware=_layers(settings, metrics, Guard(parts.keys, host=settings.host)),
        lifespan=_lifespan(closing),
    )
    app.state.service = service
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    catching.register(app)
    for router in ROUTERS:
        app.include_router(router)
    check_scopes(app)
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    jobs: JobStore
    library: Library
    keys: KeyBook


def _parts(
    settings: ServiceSettings,
    opened: ExitStack,
    *,
    store: JobStore | None,
    library: Library | None,
    keys: KeyBook | None,
) -> _Parts:
    if store is None or library is None or keys is None:
        raise NotImplementedError
    return _Parts(jobs=store, library=library, keys=keys)


def _layers(settings: ServiceSettings, metrics: Metrics, guard: Guard) -> list[Middleware]:
    """From the outside in; :mod:`vidqa.api` says what each is for."""
    origins = settings.cors_origins
    names = {
        "host": settings.host,
        "allowed": getattr(settings, "allowed_hosts", ()),
        "origins": origins,
    }
    return [
        Middleware(Correlation, metrics=metrics, shared_with=origins),
        *([_sharing(origins)] if origins else []),
        Middleware(Catching),
        Middleware(Hosts, **names),
        Middleware(Doors, guard=guard, limits=Limits(settings.rate_per_minute)),
        Middleware(Bodies, larger=LARGER_BODIES),
    ]


def _sharing(origins: Sequence[str]) -> Middleware:
    """Lets pages of those origins ask; keys go in a header, so no cookies are sent along."""
    return Middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
        allow_headers=list(_TAKEN),
        expose_headers=list(_EXPOSED),
        max_age=600,
    )


def _lifespan(closing: ExitStack) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with closing:
            yield

    return lifespan
