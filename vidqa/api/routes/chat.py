"""``POST /v1/chat/completions`` and ``/v1/models``: what clients of OpenAI's API ask for.

``body -> ChatRequest -> Asked -> job of kind ask -> its result -> ChatReply | chunks``
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from vidqa.api.callers import Caller, Reader, Writer
from vidqa.api.chat.errors import ChatError, envelope
from vidqa.api.chat.keeping import keep
from vidqa.api.chat.replies import DONE, chunks_of, reply_of
from vidqa.api.chat.schemas import ChatReply, ChatRequest, ModelCard, ModelList
from vidqa.api.chat.translate import Asked, asked_of
from vidqa.api.events import HEARTBEAT_S
from vidqa.api.prefer import Preference
from vidqa.api.problems import problem_of, status_of
from vidqa.api.service import Service, TheService
from vidqa.api.threads import aside
from vidqa.api.submitting import Wishes, submit
from vidqa.api.waiting import until_final
from vidqa.errors import JobError, VidqaError
from vidqa.service.records import Job
from vidqa.service.requests import AskRequest, read_request

router = APIRouter(prefix="/v1", tags=["OpenAI"])
LONGEST_S = 600.0
"""How long a completion may take, which is as long as OpenAI's clients wait; a question to hours of
video may take longer, and is asked at /v1/ask."""
BODY_BYTES = 34 * 2**20
"""A video or picture may lie in the request itself."""
_LOOK_S = 5.0
_NO_WISHES = Wishes(preference=Preference(), idempotency_key=None)
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ChatRequest"}}},
    }
}
_STREAM = {
    200: {
        "model": ChatReply,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/models", summary="Models that may be named")
async def list_models(_caller: Reader, service: TheService) -> ModelList:
    """The one that this service's workers have loaded."""
    return ModelList(data=[_card(service)])


@router.get("/models/{model:path}", summary="One model", response_model=ModelCard)
async def get_model(_caller: Reader, service: TheService, model: str) -> Response:
    """Errors come in OpenAI's envelope here and below."""
    if model != service.model:
        return _refused(_unknown(model))
    return JSONResponse(_card(service).model_dump())


@router.post(
    "/chat/completions",
    summary="Ask about a video as OpenAI's clients do",
    response_model=ChatReply,
    responses=_STREAM,  # type: ignore[arg-type]
    openapi_extra=_BODY,
)
async def create_chat_completion(caller: Writer, service: TheService, http: Request) -> Response:
    """The last message of the user is the question, a `video_url` or `image_url` part what it is
    about: `vidqa://vid_...`, a `data:` URL, or an http(s) URL that this service may fetch from."""
    try:
        chat = ChatRequest.model_validate(json.loads(await http.body()))
        if chat.model not in (service.model, "vidqa"):
            raise _unknown(chat.model)
        asked = asked_of(chat)
        job = await _ask(service, caller, asked, chat)
        if chat.stream:
            return _streamed(service, caller, job, asked, chat)
        reply = await _reply(service, caller, job, asked, http)
    except (ValueError, RecursionError) as err:
        return _refused(_unfitting(err))
    except ChatError as err:
        return _refused(err)
    return JSONResponse(reply.model_dump())


async def _ask(service: Service, caller: Caller, asked: Asked, chat: ChatRequest) -> Job:
    """The job; raises :class:`ChatError` in place of our errors."""
    media = asked.media
    try:
        if media.data is not None:
            video = await aside(keep, service.library, caller.tenant, media.data)
            ref = {"video_id": video.id}
        else:
            ref = {"url": media.url} if media.url is not None else {"video_id": media.video_id}
        given = {
            "video": ref,
            "question": asked.question,
            "system": asked.system,
            "max_tokens": asked.max_tokens,
            "start": chat.start,
            "end": chat.end,
        }
        request = read_request("ask", {k: v for k, v in given.items() if v is not None})
        assert isinstance(request, AskRequest)  # noqa: S101  (of that kind)
        return await submit(service, caller, request, wishes=_NO_WISHES)
    except VidqaError as err:
        raise _told(err) from err


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


def _unfitting(err: Exception) -> ChatError:
    if not isinstance(err, ValidationError):
        return ChatError("The body is not JSON.", "body_not_json")
    first = err.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return ChatError(
            f"Unrecognized request argument supplied: {where}", "unknown_parameter", where
        )
    return ChatError(f"{where}: {first['msg']}", "invalid_value", where or None)


def _unknown(model: str) -> ChatError:
    return ChatError(
        f"The model {model[:100]!r} does not exist; GET /v1/models lists those there are.",
        "model_not_found",
        "model",
        404,
    )
