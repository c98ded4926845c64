"""The jobs of a service: submitted, followed event by event, cancelled, tried again."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vidqa.client.errors import JobUnfinished, Problem, ReplyUnreadable, Unreachable
from vidqa.client.records import Job, JobEvent, Progress, Result, job_of, read, result_of
from vidqa.client.stream import ALIVE, ServerEvent, read_events
from vidqa.client.transport import Transport

OnProgress = Callable[[Progress], None]
FINAL_EVENTS = frozenset({"job.completed", "job.failed", "job.cancelled"})
_SILENCE_S = 45.0
"""The service says something every 15 s; a connection that is silent for longer is broken."""
_PAGE = 100


class Jobs:
    """Everything under ``/v1/jobs``; every method raises :class:`ServiceError`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
        self,
        kind: str,
        request: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        webhook_url: str | None = None,
    ) -> Job:
        """A new job, accepted and not waited for.

        The same ``idempotency_key`` with the same request gives the first job again, for a day; one
        is made up where none is given, so that a retry after a broken connection makes no second.
        ``webhook_url`` is told when the job ends.
        """
        body = {"kind": kind, **request}
        if webhook_url is not None:
            body["webhook_url"] = webhook_url
        headers = {
            "Prefer": "respond-async",
            "Idempotency-Key": idempotency_key or str(uuid.uuid4()),
        }
        return read(job_of, self._transport.json("POST", "/v1/jobs", body=body, headers=headers))

    def get(self, job_id: str) -> Job:
        """The job as it is now."""
        return read(job_of, self._transport.json("GET", f"/v1/jobs/{job_id}"))

    def list(self, *, states: tuple[str, ...] = (), kinds: tuple[str, ...] = ()) -> Iterator[Job]:
        """Every job, the newest first; pages are asked for as they are needed."""
        token: str | None = None
        while True:
            query = {
                "state": list(states) or None,
                "kind": list(kinds) or None,
                "page_size": _PAGE,
                "page_token": token,
            }
            page = self._transport.json("GET", "/v1/jobs", query=query)
            for body in page.get("jobs", ()):
                yield read(job_of, body)
            token = page.get("next_page_token")
            if token is None:
                return

    def cancel(self, job_id: str) -> Job:
        """Ask for its end; one that runs ends a little later, one that has ended stays."""
        return read(job_of, self._transport.json("POST", f"/v1/jobs/{job_id}/cancel"))

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job once more, under its own id."""
        return read(job_of, self._transport.json("POST", f"/v1/jobs/{job_id}/retry"))

    def result(self, job_id: str) -> Result:
        """What it found out; raises :class:`JobFailed`, :class:`JobCancelled`, or
        :class:`JobUnfinished` where it has not ended."""
        job = self.get(job_id)
        job.check()
        if not job.is_final:
            raise _unfinished(job.id, 0.0)
        return read(lambda body: result_of(job_id, body), job.raw.get("result"))

    def export(self, job_id: str, name: str, *, frame_rate: float | None = None) -> str:
        """The result as ``json``, ``jsonl``, ``srt``, ``vtt``, ``csv``, ``edl`` or ``chapters``."""
        query = {"format": name, "frame_rate": frame_rate}
        return self._transport.send("GET", f"/v1/jobs/{job_id}/export", query=query).text

    def events(
        self, job_id: str, *, after: int = 0, timeout_s: float | None = None
    ) -> Iterator[JobEvent]:
        """What happens to a job, from the first event after number ``after`` to the one that ends
        it. A broken connection is opened again where it broke: no event is missed or told twice.

        Raises :class:`JobUnfinished` when that took longer than ``timeout_s`` seconds.
        """
        end_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
        last, told, pauses = after, "", self._transport.patience.pauses()
        while time.monotonic() < end_s:
            try:
                for event in self._stream(job_id, last, end_s):
                    pauses = self._transport.patience.pauses()
                    if event is not None:
                        last, told = event.seq, event.type
                        yield event
                # A job that was tried again has ended before: only the stream's end is the end.
                if told in FINAL_EVENTS or (not told and self.get(job_id).is_final):
                    return
            except Unreachable:
                if time.monotonic() >= end_s:
                    break
            self._pause(pauses)
        raise _unfinished(job_id, timeout_s or 0.0)

    def wait(
        self, job_id: str, *, progress: OnProgress | None = None, timeout_s: float | None = None
    ) -> Result:
        """The job's result as soon as it is there; ``progress`` is told how far it is.

        Raises as :meth:`result`; after ``timeout_s`` seconds :class:`JobUnfinished`, and the job
        goes on.
        """
        for event in self.events(job_id, timeout_s=timeout_s):
            if progress is not None and event.type == "job.progress":
                progress(read(_progress, event.data))
        return self.result(job_id)

    def _stream(self, job_id: str, after: int, end_s: float) -> Iterator[JobEvent | None]:
        """Events of one connection, and None for every sign of life between them.

        With an end to keep, the connection is given up at a sign of life, so that the next one
        waits only for what is left.
        """
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        silence_s = max(0.1, min(_SILENCE_S, end_s - time.monotonic()))
        path = f"/v1/jobs/{job_id}/events"
        with self._transport.open(path, headers=headers, timeout_s=silence_s) as response:
            for event in read_events(response.iter_lines()):
                yield None if event is ALIVE else _job_event(event)
                if event is ALIVE and end_s < math.inf:
                    return

    def _pause(self, pauses: Iterator[float]) -> None:
        pause_s = next(pauses, None)
        if pause_s is None:
            raise Unreachable(
                Problem(
                    status=0,
                    code="events_broken",
                    detail="the stream of events broke off again and again",
                    next_step="Ask for the job itself: client.jobs.get(job_id).",
                    retryable=True,
                )
            )
        self._transport.patience.sleep(pause_s)


def _job_event(event: ServerEvent) -> JobEvent:
    try:
        data = json.loads(event.data)
        return JobEvent(seq=int(event.id), type=event.type, data=data)
    except ValueError as err:
        raise ReplyUnreadable(
            Problem(
                status=200,
                code="reply_unreadable",
                detail=f"an event cannot be read: {event.data[:80]!r}",
                next_step="Use the client of the service's own version.",
            )
        ) from err


def _progress(data: Mapping[str, Any]) -> Progress:
    return Progress(
        stage=data["stage"], done=data["done"], total=data["total"], eta_s=data.get("eta_s")
    )


def _unfinished(job_id: str, waited_s: float) -> JobUnfinished:
    return JobUnfinished(
        Problem(
            status=0,
            code="job_unfinished",
            detail=f"{job_id} has not ended after {waited_s:g} s of waiting",
            next_step="Wait for it again: client.wait(job_id).",
            retryable=True,
        )
    )
