"""The routes, one module a resource: each decodes a request, calls, and encodes what comes back.

To add one, write a module with a ``router`` whose endpoints take a ``Reader``, ``Writer`` or
``Admin`` (:mod:`vidqa.api.callers`), name it below, and where it takes more than a megabyte of
JSON, its path in ``LARGER_BODIES``.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from vidqa.api.routes import (
    archives,
    chat,
    health,
    jobs,
    problems,
    search,
    segments,
    uploads,
    verbs,
    videos,
)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    problems.router,
    videos.router,
    uploads.router,
    verbs.router,
    jobs.router,
    search.router,
    archives.router,
    segments.router,
    chat.router,
)

LARGER_BODIES: Mapping[str, int | None] = {
    "/v1/videos": None,
    "/v1/uploads": None,
    "/v1/uploads/": None,
    "/v1/chat/completions": chat.BODY_BYTES,
}
"""Most bytes of a body by path, or by start of path where it ends in ``/``; None: no bound here."""
