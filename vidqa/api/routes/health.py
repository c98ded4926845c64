"""``/healthz``, ``/readyz``, ``/version``, ``/metrics``, ``/openapi.json``: for its keepers."""

from __future__ import annotations

import platform
from typing import Any, Literal

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from vidqa import __version__
from vidqa.api import metrics
from vidqa.api.callers import Admin, Reader
from vidqa.api.service import Service, TheService
from vidqa.api.threads import aside
from vidqa.errors import NotNow, VidqaError

router = APIRouter(tags=["service"])
DATABASE_S = 5.0
"""How long the database may take to answer before the service calls itself not ready."""


class Health(BaseModel):
    """The process answers; nothing else was looked at."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """What was looked at, and found well."""

    status: Literal["ready"] = "ready"
    workers: int = Field(description="Workers seen in the last half minute.", examples=[1])


class Version(BaseModel):
    """What runs here."""

    version: str = Field(examples=["0.1.0"])
    ffmpeg: str = Field(description="The FFmpeg that reads videos.", examples=["8.1.2"])
    python: str = Field(examples=["3.12.4"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Does the process answer")
async def healthz() -> Health:
    """Needs no key. 200 as long as the process answers at all."""
    return Health()


@router.get("/readyz", summary="Can jobs be taken and done")
async def readyz(_caller: Reader, service: TheService) -> Readiness:
    """200 when the database answers and a worker was seen in the last half minute; else 503."""
    seen = await _workers_seen(service)
    if not seen:
        raise NotNow(
            "no worker was seen in the last half minute: jobs are taken, but nobody does them",
            code="not_ready",
            next_step="Start one with vidqa worker, or look into its log.",
        )
    return Readiness(workers=seen)


async def _workers_seen(service: Service) -> int:
    try:
        with anyio.fail_after(DATABASE_S):
            return len(await aside(service.jobs.workers))
    except (TimeoutError, VidqaError) as err:
        why = str(err) or f"no answer within {DATABASE_S:g} s"
        raise NotNow(
            f"the database does not answer: {why}",
            code="not_ready",
            next_step="Look at the database; the service goes on as soon as it is back.",
        ) from err


@router.head("/version", include_in_schema=False)
@router.get("/version", summary="What runs here")
async def version() -> Version:
    """Needs no key."""
    import av  # late: the library that reads videos, needed here for its version alone

    ffmpeg = av.ffmpeg_version_info.split()[0]
    return Version(version=__version__, ffmpeg=ffmpeg, python=platform.python_version())


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_metrics(_caller: Admin, service: TheService) -> Response:
    """Of requests and uploads as this process saw them, of jobs as the database has them."""
    return Response(await aside(service.metrics.text), media_type=metrics.MEDIA_TYPE)


@router.get("/openapi.json", summary="This document", response_class=JSONResponse)
async def get_openapi(request: Request, _caller: Reader) -> dict[str, Any]:
    """OpenAPI 3.1."""
    document: dict[str, Any] = request.app.openapi()
    return document
