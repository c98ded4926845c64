"""One task per kind of job. A task decodes its payload, asks, and gives plain JSON back.

Safe to run twice: a job reads a video and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from celery import Task

from vidqa.errors import VidqaError
from vidqa_workers import process
from vidqa_workers.app import app
from vidqa_workers.payload import JsonDict, read_question


class JobError(Exception):
    """A job that failed for a reason we know; its one argument is that error as JSON.

    Celery rebuilds an exception from its arguments on the caller's side: one text survives that.
    """


def ground(payload: JsonDict) -> JsonDict:
    """``{"path", "query", "start"?, "end"?}`` to the JSON of a ground result."""
    with _told_to_caller():
        q = read_question(payload, "query")
        result = process.session().ground(q.path, q.text, start_s=q.start_s, end_s=q.end_s)
        return result.to_dict()


def ask(payload: JsonDict) -> JsonDict:
    """``{"path", "question", "start"?, "end"?}`` to the JSON of an ask result."""
    with _told_to_caller():
        q = read_question(payload, "question")
        result = process.session().ask(q.path, q.text, start_s=q.start_s, end_s=q.end_s)
        return result.to_dict()


@contextmanager
def _told_to_caller() -> Iterator[None]:
    """Every :class:`VidqaError` as a :class:`JobError`; anything else is a bug and stays one."""
    try:
        yield
    except VidqaError as err:
        raise JobError(json.dumps(err.to_dict())) from err


ground_task = cast("Task", app.task(name="vidqa.ground")(ground))
ask_task = cast("Task", app.task(name="vidqa.ask")(ask))
