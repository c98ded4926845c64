"""The OpenAPI document: what FastAPI derives from the routes, with keys and problems added."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from vidqa import __version__
from vidqa.api.doors import PUBLIC

DESCRIPTION = """\
Ask hours of video a question and get the second it happened, with the frames that prove it.

Work is done as jobs. `POST /v1/ground`, `/v1/ask`, `/v1/describe` and `/v1/index` make one; ask
for its state at `/v1/jobs/{id}`, follow it at `/v1/jobs/{id}/events`, or wait: `Prefer: wait=30`.
Every error is `application/problem+json` (RFC 9457) with a `code` that stays the same, `retryable`,
and a `next_step`. Times are seconds since the first displayed frame; intervals are `[start, end)`.
"""
_PART = {
    "type": "object",
    "description": "Where a request does not fit, and why.",
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer into the body."},
        "parameter": {"type": "string", "description": "Name of a parameter of path or query."},
        "header": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["detail"],
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, with the value."},
        "instance": {"type": "string", "format": "uri-reference"},
        "code": {"type": "string", "description": "Stays the same from version to version."},
        "stage": {"type": "string", "description": "Which part failed."},
        "retryable": {"type": "boolean", "description": "Whether the same may work later."},
        "next_step": {"type": "string", "description": "What to do, for a person."},
        "request_id": {"type": "string", "description": "What to look for in the log."},
        "errors": {"type": "array", "items": _PART},
    },
    "required": ["type", "title", "status", "detail", "instance", "code", "stage", "retryable"],
    "examples": [
        {
            "type": "/v1/problems/video_missing",
            "title": "Video missing",
            "status": 404,
            "detail": "there is no video 'vid_01jdb2zzt0e8w4n7c5k3q9m1xa'",
            "instance": "/v1/videos/vid_01jdb2zzt0e8w4n7c5k3q9m1xa",
            "code": "video_missing",
            "stage": "request",
            "retryable": False,
            "next_step": "GET /v1/videos lists those there are.",
            "request_id": "req_6f0c1a5be2d94f7788aa01b3",
        }
    ],
}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem; its status says of which kind.",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
}


def operation_id(route: APIRoute) -> str:
    """The name of the function: ``get_job`` becomes ``getJob`` in a generated client."""
    return route.name


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application; made once, for it does not change."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="vidqa", version=__version__, description=DESCRIPTION, routes=app.routes
        )
        parts = schema.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
        parts["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "vidqa keys add NAME"}
        }
        schema["security"] = [{"key": []}]
        for method, path in PUBLIC:
            operation = schema["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                operation["security"] = []
        app.openapi_schema = schema
    return app.openapi_schema
