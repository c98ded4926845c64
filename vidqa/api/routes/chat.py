"""``POST /v1/chat/completions`` and ``/v1/models``: what clients of OpenAI's API ask for.

``body -> ChatRequest -> Asked -> job of kind ask -> its result -> ChatReply | chunks``
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import anyio
from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.responses import Response

from vidqa.api.callers import Caller, Reader, Writer
from vidqa.api.chat.errors import ChatError, envelope
from vidqa.api.chat.keeping import keep
from vidqa.api.chat.replies import DONE, chunks_of, reply_of
from vidqa.api.chat.schemas import (
    ChatRefused,
    ChatReply,
    ChatRequest,
    ModelCard,
    ModelList,
)
from vidqa.api.chat.translate import Asked, asked_of
from vidqa.api.events import HEARTBEAT_S
from vidqa.api.openapi import PROBLEM_RESPONSES
from vidqa.api.prefer import Preference
from vidqa.api.problems import problem_of, status_of
from vidqa.api.service import Service, TheService
from vidqa.api.submitting import Wishes, submit
from vidqa.api.threads import aside
from vidqa.api.waiting import until_final
from vidqa.errors import JobError, VidqaError
from vidqa.service.records import Job
from vidqa.service.requests import read_request


class _Enveloped(APIRoute):
    """Every error of these routes in the words that OpenAI's clients read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except ChatError as err:
                return _refused(err)
            except VidqaError as err:
                return _refused(_told(err))
            except RequestValidationError as err:
                return _refused(_unfitting(err.errors()[0]))
            except HTTPException as err:
                cause = err.__cause__
                if isinstance(cause, VidqaError):
                    return _refused(_told(cause))
                return _refused(_unreadable(err.status_code))

        return handled


router = APIRouter(prefix="/v1", tags=["OpenAI"], route_class=_Enveloped)
LONGEST_S = 600.0
"""How long a completion may take, which is as long as OpenAI's clients wait; a question to hours of
video may take longer, and is asked at /v1/ask."""
BODY_BYTES = 34 * 2**20
"""A video or picture may lie in the request itself."""
_LOOK_S = 5.0
_NO_WISHES = Wishes(preference=Preference(), idempotency_key=None)
_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {
        "model": ChatRefused,
        "description": "In the envelope that OpenAI's clients read; where no route was reached, as"
        " without a key, a problem.",
        "content": PROBLEM_RESPONSES["default"]["content"],
    }
    for status in ("4XX", "5XX")
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": ChatReply, "content": {"text/event-stream": {"schema": {"type": "object"}}}},
    **_REFUSED,
}


@router.get("/models", summary="Models that may be named")
async def list_models(_caller: Reader, service: TheService) -> ModelList:
    """The one that this service's workers have loaded."""
    return ModelList(data=[_card(service)])


@router.get(
    "/models/{model:path}", summary="One model", response_model=ModelCard, responses=_REFUSED
)
async def get_model(_caller: Reader, service: TheService, model: str) -> Response:
    """Errors come in OpenAI's envelope here and below."""
    if model != service.model:
        raise _unknown(model)
    return JSONResponse(_card(service).model_dump())


@router.post(
    "/chat/completions",
    summary="Ask about a video as OpenAI's clients do",
    response_model=ChatReply,
    responses=_ANSWERS,
)
async def create_chat_completion(
    caller: Writer, service: TheService, http: Request, body: ChatRequest
) -> Response:
    """The last message of the user is the question, a `video_url` or `image_url` part what it is
    about: `vidqa://vid_...`, a `data:` URL, or an http(s) URL that this service may fetch from."""
    if body.model not in (service.model, "vidqa"):
        raise _unknown(body.model)
    asked = asked_of(body)
    job = await _ask(service, caller, asked, body)
    if body.stream:
        return _streamed(service, caller, job, asked, body)
    reply = await _reply(service, caller, job, asked, http)
    return JSONResponse(reply.model_dump())


async def _ask(service: Service, caller: Caller, asked: Asked, chat: ChatRequest) -> Job:
    """The job, taken."""
    media = asked.media
    video_id = media.video_id
    if media.data is not None:
        video = await aside(keep, service.library, caller.tenant, media.data)
        service.studies.soon(video)
        video_id = video.id
    given: dict[str, Any] = {
        "video": {"video_id": video_id} if media.url is None else {"url": media.url},
        "question": asked.question,
        "system": asked.system,
        "max_tokens": asked.max_tokens,
        "start": chat.start,
        "end": chat.end,
    }
    request = read_request("ask", {k: v for k, v in given.items() if v is not None})
    return await submit(service, caller, request, wishes=_NO_WISHES)


async def _reply(
    service: Service, caller: Caller, job: Job, asked: Asked, http: Request
) -> ChatReply:
    """The completion once the job has ended; the job is cancelled where the client goes."""
    with anyio.move_on_after(LONGEST_S):
        while not job.is_final:
            if await http.is_disconnected():
                await aside(service.jobs.cancel, caller.tenant, job.id)
            job = await until_final(service, caller.tenant, job.id, _LOOK_S)
    return await _finished(service, caller, job, asked)


async def _finished(service: Service, caller: Caller, job: Job, asked: Asked) -> ChatReply:
    if job.state == "completed":
        result = await aside(service.jobs.result, caller.tenant, job.id)
        return reply_of(job.id, job.created_at, service.model, result, asked.stops)
    if not job.is_final:
        await aside(service.jobs.cancel, caller.tenant, job.id)
        raise ChatError(
            f"The answer took longer than {LONGEST_S:.0f} s; ask at /v1/ask.", "timeout", None, 504
        )
    error = job.error or {"code": "job_cancelled", "message": "The job was cancelled."}
    code, stage = str(error["code"]), str(error.get("stage", "job"))
    status = status_of(code, stage, retryable=bool(error.get("retryable")))
    raise ChatError(str(error["message"]), code, None, status)


def _streamed(
    service: Service, caller: Caller, job: Job, asked: Asked, chat: ChatRequest
) -> Response:
    usage = chat.stream_options is not None and chat.stream_options.include_usage
    chunks = _chunks(service, caller, job, asked, include_usage=usage)
    return EventSourceResponse(chunks, ping=HEARTBEAT_S, sep="\n", send_timeout=30.0)


async def _chunks(
    service: Service, caller: Caller, job: Job, asked: Asked, *, include_usage: bool
) -> AsyncIterator[ServerSentEvent]:
    """The stream; a client that goes before its end has the job cancelled."""
    try:
        job = await until_final(service, caller.tenant, job.id, LONGEST_S)
        reply = await _finished(service, caller, job, asked)
    except ChatError as err:
        yield _event(envelope(err.message, status=err.status, code=err.code, param=err.param))
    except BaseException:
        with anyio.CancelScope(shield=True):
            await aside(service.jobs.cancel, caller.tenant, job.id)
        raise
    else:
        for chunk in chunks_of(reply, include_usage=include_usage):
            yield _event(chunk)
    yield ServerSentEvent(DONE, sep="\n")


def _event(body: dict[str, Any]) -> ServerSentEvent:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return ServerSentEvent(text, sep="\n")


def _card(service: Service) -> ModelCard:
    return ModelCard(id=service.model, created=0)


def _refused(err: ChatError) -> JSONResponse:
    body = envelope(err.message, status=err.status, code=err.code, param=err.param)
    headers = {"Retry-After": "1"} if err.status in (429, 503) else None
    return JSONResponse(body, status_code=err.status, headers=headers)


def _told(err: VidqaError) -> ChatError:
    """One of our errors as OpenAI's clients read it."""
    wrong = isinstance(err, JobError) and err.code == "request_invalid"
    status = 400 if wrong else problem_of(err).status
    return ChatError(f"{err} {err.next_step}", err.code, None, status)


def _unfitting(first: Mapping[str, Any]) -> ChatError:
    """The first of pydantic's errors about a body."""
    where = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "json_invalid":
        return ChatError("The body is not JSON.", "body_not_json")
    if first["type"] == "extra_forbidden":
        return ChatError(
            f"Unrecognized request argument supplied: {where}", "unknown_parameter", where
        )
    return ChatError(f"{where}: {first['msg']}", "invalid_value", where or None)


def _unreadable(status: int) -> ChatError:
    return ChatError("The body cannot be read as JSON.", "body_not_json", None, status)


def _unknown(model: str) -> ChatError:
    return ChatError(
        f"The model {model[:100]!r} does not exist; GET /v1/models lists those there are.",
        "model_not_found",
        "model",
        404,
    )
