"""The application: its layers, its routes, its beginning and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from functools import partial

import structlog
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from vidqa import __version__
from vidqa.api import catching, openapi
from vidqa.api.announcing import bell_of
from vidqa.api.archives import TenantArchives
from vidqa.api.bodies import Bodies
from vidqa.api.catching import Catching
from vidqa.api.chat.naming import model_name
from vidqa.api.correlation import Correlation
from vidqa.api.delivering import checked_secrets, delivering
from vidqa.api.doors import Doors, Guard
from vidqa.api.hosts import Hosts
from vidqa.api.intake.resumable import Uploads
from vidqa.api.intake.room import sweep_incoming
from vidqa.api.intake.studying import Studies
from vidqa.api.job_metrics import JobMetrics
from vidqa.api.limits import Limits
from vidqa.api.metrics import Metrics
from vidqa.api.page import page_routes
from vidqa.api.pieces import Pieces
from vidqa.api.routes import LARGER_BODIES, ROUTERS
from vidqa.api.scopes import check_scopes
from vidqa.api.service import Service
from vidqa.api.threads import aside
from vidqa.errors import ServiceError
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service.archives import Archives
from vidqa.service.keys import ApiKeys
from vidqa.service.library import Library, open_library
from vidqa.service.upload_keys import UploadKeys
from vidqa.service_settings import ServiceSettings
from vidqa.settings import load_settings, strangers_reader
from vidqa.video import media
from vidqa.video.piece import PieceMaker

_log = structlog.get_logger("vidqa.api")
SWEEP_S = 3600.0

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
) -> FastAPI:
    """The service for one set of settings.

    What is not given is opened as ``settings`` say and closed when the application ends; raises our
    errors where it cannot be, before anything listens. Nothing is started: see ``vidqa serve``.
    """
    checked_secrets(settings)
    service = _opened(settings, store=store, library=library)
    app = FastAPI(
        title="vidqa",
        version=__version__,
        openapi_url=None,  # a route of ours: it needs a key as everything does
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
        responses=openapi.PROBLEM_RESPONSES,
        middleware=_layers(service),
        lifespan=_lifespan(service),
    )
    app.state.service = service
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    catching.register(app)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(page_routes())
    check_scopes(app)
    return app


def _opened(
    settings: ServiceSettings, *, store: JobStore | None, library: Library | None
) -> Service:
    """The parts; where one cannot be opened, those before it are closed again."""
    with ExitStack() as opening:
        if store is None:
            store = opening.enter_context(open_jobs(settings, bell=bell_of(settings)))
        database, own = store.database, load_settings()
        archives = TenantArchives(Archives(database), own.archive_place)
        opening.callback(archives.close)
        library = library or open_library(database, settings.folder)
        metrics, reader = Metrics(), strangers_reader(own)
        studies = Studies(library, media(reader), metrics, longest_s=settings.max_duration_s)
        opening.callback(studies.close)
        pieces = Pieces(settings.folder / "pieces", PieceMaker(reader))
        opening.callback(pieces.close)
        service = Service(
            settings=settings,
            jobs=store,
            library=library,
            keys=ApiKeys(database),
            uploads=Uploads(settings.folder / "uploads"),
            upload_keys=UploadKeys(database),
            metrics=metrics,
            archives=archives,
            pieces=pieces,
            studies=studies,
            model=model_name(own.model),
            opened=opening.pop_all(),
        )
    service.metrics.collectors.append(JobMetrics(store))
    return service


def _layers(service: Service) -> list[Middleware]:
    """From the outside in; :mod:`vidqa.api` says what each is for."""
    settings, origins = service.settings, service.settings.cors_origins
    guard = Guard(service.keys, host=settings.host)
    return [
        Middleware(Correlation, metrics=service.metrics, shared_with=origins),
        *([_sharing(origins)] if origins else []),
        Middleware(Catching),
        Middleware(Hosts, host=settings.host, allowed=settings.allowed_hosts, origins=origins),
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


def _lifespan(service: Service) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await aside(service.studies.start)
        sweeping = asyncio.create_task(_sweep(service))
        try:
            with delivering(service.jobs, service.settings):
                yield
        finally:
            service.stopping.set()
            sweeping.cancel()
            service.close()

    return lifespan


async def _sweep(service: Service) -> None:
    """Every hour: uploads that expired, what processes that died left behind, and videos that could
    not be measured when they came."""
    while True:
        try:
            await aside(service.uploads.sweep)
            await aside(sweep_incoming, service.library.incoming)
            await aside(service.studies.resume)
        except (OSError, ServiceError) as err:
            _log.warning("sweep.failed", why=str(err))
        await asyncio.sleep(SWEEP_S)
