"""From a request that fits its schema to an answer: a job is taken, then waited for or not.

``submit -> (wait) -> 200 with the result | 202 with the job | the job's error as a problem``
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from vidqa.api.callers import Caller
from vidqa.api.places import check_places
from vidqa.api.prefer import Preference, read_preference
from vidqa.api.problems import Problem, response_of, status_of
from vidqa.api.service import Service
from vidqa.api.threads import aside
from vidqa.api.waiting import until_final
from vidqa.errors import NotNow, RequestError
from vidqa.jobs.webhooks import check_webhook_url, webhook_rules
from vidqa.service.records import Job, JsonDict
from vidqa.service.requests import Request as JobRequest
from vidqa.service.requests import request_form

RETRY_AFTER_S = 1
"""When to ask for a job that has just been taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the headers of a request that makes a job ask for."""

    preference: Preference
    idempotency_key: str | None


async def _wishes(
    prefer: Annotated[
        str | None,
        Header(
            description="RFC 7240: `wait=30` answers 200 with the result where the job ends within"
            " that many seconds (60 at most), else 202; `respond-async` alone answers 202 at once.",
            examples=["respond-async, wait=30"],
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern="^[!-~ ]*$",
            description="The same key with the same request gives the same job, for a day.",
            examples=["6f0c1a5b-e2d9-4f77-88aa-01b3c4d5e6f7"],
        ),
    ] = None,
) -> Wishes:
    return Wishes(preference=read_preference(prefer), idempotency_key=idempotency_key)


TheWishes = Annotated[Wishes, Depends(_wishes)]


async def submit(
    service: Service,
    caller: Caller,
    request: JobRequest,
    *,
    wishes: Wishes,
    webhook_url: str | None = None,
) -> Job:
    """The job that was taken, or that the same idempotency key was taken for before.

    ``request`` may be of a class with further fields, which are no part of the job.

    Raises :class:`RequestError` for a place or a webhook that may not be, :class:`NotNow` where the
    key has as many jobs as it may, and what ``JobStore.submit`` raises.
    """
    settings = service.settings
    if webhook_url is not None:
        _check_webhook(service, webhook_url)
    if any(ref.place is not None for ref in request.refs):
        await aside(check_places, request, settings)
    await _check_room(service, caller)
    form = request_form(request.kind)
    assert form is not None  # noqa: S101  (a request has the kind of a form)
    own = set(form.model_fields)
    body = {name: value for name, value in request.to_dict().items() if name in own}
    taken = service.jobs.submit_soon(
        caller.tenant,
        request.kind,
        body,
        idempotency_key=wishes.idempotency_key,
        body_digest=digest_of(request.kind, body, webhook_url),
        webhook_url=webhook_url,
    )
    job = (await asyncio.wrap_future(taken)).job
    structlog.contextvars.bind_contextvars(job_id=job.id)  # in the request's line of the log
    return job


async def answer(
    service: Service, caller: Caller, job: Job, wishes: Wishes, http: Request, *, usual_s: int = 0
) -> Response:
    """What to say to whoever made ``job``: its result where it ends as soon as they will wait for
    it (``usual_s`` seconds where they do not say), and the job else."""
    patience_s = wishes.preference.patience_s(usual_s)
    if patience_s and not job.is_final:
        job = await until_final(service, caller.tenant, job.id, patience_s)
    headers = {"Location": f"/v1/jobs/{job.id}", **wishes.preference.applied}
    if patience_s and job.state == "completed":
        result = await aside(service.jobs.result, caller.tenant, job.id)
        return JSONResponse(result, headers=headers)
    if patience_s and job.is_final:
        return response_of(_ended_badly(job, headers), http.scope)
    headers["Retry-After"] = str(RETRY_AFTER_S)
    return JSONResponse(job.to_dict(), status_code=202, headers=headers)


def digest_of(kind: str, body: Mapping[str, Any], webhook_url: str | None) -> str:
    """Of all that makes two requests the same to an idempotency key."""
    told = json.dumps([kind, body, webhook_url], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


def _check_webhook(service: Service, url: str) -> None:
    if not service.settings.webhook_secrets:
        raise RequestError(
            "webhooks are off: this service has nothing to sign them with",
            code="webhooks_off",
            next_step="Set webhook_secrets, or leave webhook_url out and follow the job's events.",
        )
    check_webhook_url(url, webhook_rules(service.settings.webhook_networks))


async def _check_room(service: Service, caller: Caller) -> None:
    most = service.settings.concurrent_jobs
    if caller.key_id is None or not most:
        return
    unfinished = await aside(service.jobs.unfinished, caller.tenant)
    if unfinished >= most:
        raise NotNow(
            f"{unfinished} jobs wait or run, as many as may at a time",
            code="too_many_jobs",
            next_step="Wait until one of them has ended; concurrent_jobs sets the limit.",
            retry_after_s=5.0,
        )


def _ended_badly(job: Job, headers: Mapping[str, str]) -> Problem:
    error: JsonDict = job.error or {
        "code": "job_cancelled",
        "stage": "job",
        "message": f"{job.id} was cancelled",
        "next_step": f"Try it again: POST /v1/jobs/{job.id}/retry.",
        "retryable": False,
    }
    code, stage, retryable = str(error["code"]), str(error["stage"]), bool(error["retryable"])
    return Problem(
        status=status_of(code, stage, retryable=retryable),
        code=code,
        stage=stage,
        detail=str(error["message"]),
        next_step=str(error["next_step"]),
        retryable=retryable,
        headers=headers,
    )
