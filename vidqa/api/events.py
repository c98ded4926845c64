"""The events of a job as a stream (server-sent events): each once, in order, until it has ended.

The number of an event is its ``id:``; ``Last-Event-ID`` says behind which one a stream begins, so a
broken connection misses nothing. Every 15 s of silence a comment says that the connection stands.
A stream that would have nothing to tell any more is answered 204, at which browsers stop asking.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from vidqa.api.service import Service
from vidqa.api.threads import aside
from vidqa.api.waiting import pause_s, rest
from vidqa.errors import RequestError
from vidqa.service.records import JobEvent

HEARTBEAT_S = 15
_SEND_S = 30.0
"""A client that takes nothing for so long is gone."""
_SEQ_DIGITS = 18


async def stream_of(service: Service, tenant: str, job_id: str, after: int) -> Response:
    """The answer to a request for events; raises :class:`JobError` for a job that is not there."""
    job = await aside(service.jobs.get, tenant, job_id)
    first = await aside(service.jobs.events, tenant, job_id, after=after)
    if job.is_final and not first:
        return Response(status_code=204)
    return EventSourceResponse(
        _told(service, tenant, job_id, after),
        ping=HEARTBEAT_S,
        sep="\n",
        send_timeout=_SEND_S,
    )


def after_of(last_event_id: str | None, after: int | None) -> int:
    """The number behind which a stream begins; the header, which a browser sends on its own, goes
    before the parameter. Raises :class:`RequestError` for what is no number of an event."""
    text = (last_event_id or "").strip()
    if not text:
        return after or 0
    if not (text.isascii() and text.isdigit() and len(text) <= _SEQ_DIGITS):
        raise RequestError(
            f"Last-Event-ID {text[:40]!r} is no number of an event",
            code="event_id_invalid",
            next_step="Send the id of the last event that came, or leave the header out.",
        )
    return int(text)


async def _told(
    service: Service, tenant: str, job_id: str, after: int
) -> AsyncIterator[ServerSentEvent]:
    """A job that is final when its events are read has no more of them than those."""
    silent_s = 0.0
    while True:
        job = await aside(service.jobs.get, tenant, job_id)
        events = await aside(service.jobs.events, tenant, job_id, after=after)
        for event in events:
            after, silent_s = event.seq, 0.0
            yield encoded(job_id, event)
        if job.is_final or service.stopping.is_set():
            return  # whoever follows comes back, and goes on at the same event
        await rest(service, pause := pause_s(silent_s))
        silent_s += pause


def encoded(job_id: str, event: JobEvent) -> ServerSentEvent:
    """One event: its number, its type, and as data what happened, when, to which job."""
    data = {"job_id": job_id, "at": round(event.at, 3), **event.data}
    return ServerSentEvent(
        json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        id=str(event.seq),
        event=event.type,
        sep="\n",
    )
