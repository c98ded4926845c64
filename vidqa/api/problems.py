"""Every error of the service as RFC 9457 problem+json; :mod:`statuses` has the HTTP statuses.

In: an exception. Out: a status, and a body with ``type``, ``title``, ``status``, ``detail``,
``instance``, ``code``, ``stage``, ``retryable``, ``next_step``, ``request_id`` and, for a request
that does not fit its schema, ``errors`` with where each part of it is wrong.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Scope

from vidqa.api.statuses import STATUS_OF_CODE, STATUS_OF_STAGE
from vidqa.errors import NotNow, RequestError, VidqaError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5.0
"""Told with an error that may pass, where it does not say itself when."""

_CODE_OF_STATUS: Mapping[int, str] = {
    400: "request_invalid",
    401: "key_required",
    404: "route_unknown",
    405: "method_not_allowed",
    408: "body_too_slow",
    411: "length_unknown",
    413: "body_too_large",
    415: "media_type_unsupported",
    416: "range_impossible",
    422: "request_invalid",
    429: "too_many_requests",
    500: "internal_error",
    503: "service_stopping",
}
"""What the framework says by status alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error on its way out; ``errors`` are ``{"pointer"|"parameter"|"header", "detail"}``."""

    status: int
    code: str
    stage: str
    detail: str
    next_step: str
    retryable: bool = False
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self, instance: str, request_id: str) -> dict[str, Any]:
        """The body; ``instance`` is the path that was asked for."""
        body: dict[str, Any] = {
            "type": f"/v1/problems/{self.code}",
            "title": title_of(self.code),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "stage": self.stage,
            "retryable": self.retryable,
            "next_step": self.next_step,
            "request_id": request_id,
        }
        return {**body, "errors": list(self.errors)} if self.errors else body


def title_of(code: str) -> str:
    """The same few words for every problem of a code, as RFC 9457 asks."""
    return code.replace("_", " ").capitalize()


def status_of(code: str, stage: str, *, retryable: bool) -> int:
    """The HTTP status of an error of ours."""
    if code in STATUS_OF_CODE:
        return STATUS_OF_CODE[code]
    return 503 if retryable else STATUS_OF_STAGE.get(stage, 500)


def problem_of(err: VidqaError) -> Problem:
    """One of our errors as a problem."""
    status = status_of(err.code, err.stage, retryable=err.retryable)
    headers = dict(err.headers) if isinstance(err, RequestError) else {}
    if status in (429, 503):
        wait_s = err.retry_after_s if isinstance(err, NotNow) else RETRY_AFTER_S
        headers["retry-after"] = str(max(1, math.ceil(wait_s)))
    return Problem(
        status=status,
        code=err.code,
        stage=err.stage,
        detail=str(err),
        next_step=err.next_step,
        retryable=err.retryable,
        headers=headers,
    )


def problem_of_status(status: int, detail: str, headers: Mapping[str, str] | None) -> Problem:
    """What the framework refused by a status alone."""
    code = _CODE_OF_STATUS.get(status, "request_invalid" if status < 500 else "internal_error")
    return Problem(
        status=status,
        code=code,
        stage="request",
        detail=detail or HTTPStatus(status).phrase,
        next_step=_NEXT_STEPS.get(code, "See /openapi.json for what this route takes."),
        retryable=status in (408, 429, 503),
        headers=headers or {},
    )


_NEXT_STEPS: Mapping[str, str] = {
    "route_unknown": "See /openapi.json for the routes there are.",
    "method_not_allowed": "Use a method that the Allow header names.",
    "internal_error": "Try again; if it stays, report it with this request_id, which the log has.",
    "media_type_unsupported": "Send application/json, or a video as docs/service.md shows.",
}


def unforeseen() -> Problem:
    """An exception that nobody raised on purpose; what it says is for the log alone."""
    return Problem(
        status=500,
        code="internal_error",
        stage="service",
        detail="the service failed in a way it did not foresee",
        next_step=_NEXT_STEPS["internal_error"],
        retryable=True,
    )


def unfitting(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """A request that does not fit its schema: pydantic's list of errors, each with its place."""
    if any(error["type"] == "json_invalid" for error in errors):
        return Problem(
            status=400,
            code="body_not_json",
            stage="request",
            detail="the body is not JSON",
            next_step="Send one JSON object, with Content-Type: application/json.",
            errors=[{"pointer": "", "detail": str(errors[0].get("ctx", {}).get("error", ""))}],
        )
    told = [_unfitting_part(error) for error in errors[:20]]
    first = next(iter(told), {"detail": "the request does not fit"})
    where = first.get("pointer") or first.get("parameter") or first.get("header") or "the body"
    return Problem(
        status=422,
        code="request_invalid",
        stage="request",
        detail=f"{where}: {first['detail']}",
        next_step="Correct what errors names; /openapi.json has the schema.",
        errors=told,
    )


def _unfitting_part(error: Mapping[str, Any]) -> dict[str, str]:
    """Where, as a JSON pointer (RFC 6901) into the body or the name of a parameter, and why."""
    place, *way = error["loc"] or ("body",)
    detail = str(error["msg"])
    if place == "body":
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in way)
        return {"pointer": "".join(f"/{step}" for step in steps), "detail": detail}
    name = ".".join(str(step) for step in way)
    return {"header" if place == "header" else "parameter": name, "detail": detail}


def response_of(problem: Problem, scope: Scope) -> Response:
    """The answer to the request of ``scope``."""
    instance = quote(scope.get("path", ""), safe="/:@!$&'()*+,;=-._~", errors="replace")
    body = problem.to_dict(instance, scope.get("vidqa.request_id", ""))
    scope["vidqa.code"] = problem.code  # for the log line and the metrics
    return Response(
        json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(problem.headers),
    )
