"""A handler without a model: what it does stands in the request's query.

``sleep N``: N seconds in small steps, with progress. ``fail``, ``crash``, ``die``: end as the word
says. ``hang``: stand still without a check. ``spin N``: N seconds that heed a gentle stop. Every
run leaves a line in the file that ``VIDQA_STUB_LOG`` names.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from vidqa import interrupts
from vidqa.errors import VideoError
from vidqa.jobs.work import Made, Work
from vidqa.service.requests import AskRequest, GroundRequest, Request

_STEP_S = 0.02


def run(request: Request, work: Work) -> Made:
    text = request.query if isinstance(request, GroundRequest) else ""
    if isinstance(request, AskRequest):
        text = request.question
    _log(f"{work.job.id} {os.getpid()}")
    word, _, rest = text.partition(" ")
    _ACTS.get(word, _nothing)(rest, work)
    segments = [{"start": 1.0, "end": 2.0, "score": 0.5}]
    result = {"outcome": "found", "asked": text, "segments": segments, "pid": os.getpid()}
    return Made(result, "found", None)


def _nothing(rest: str, work: Work) -> None:
    pass


def _sleep(rest: str, work: Work) -> None:
    steps = max(1, round(float(rest) / _STEP_S))
    for k in range(steps):
        work.meter("sleep", k, steps)
        time.sleep(_STEP_S)


def _spin(rest: str, work: Work) -> None:
    work.halt.heeded = True
    ends = time.monotonic() + float(rest)
    while time.monotonic() < ends and not work.halt.asked:
        interrupts.check()
        time.sleep(_STEP_S)


def _fail(rest: str, work: Work) -> None:
    raise VideoError("no film", code="video_unreadable", next_step="Send a film.")


def _crash(rest: str, work: Work) -> None:
    raise RuntimeError("a bug")


def _die(rest: str, work: Work) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _hang(rest: str, work: Work) -> None:
    time.sleep(float(rest or "3600"))


_ACTS = {
    "sleep": _sleep,
    "spin": _spin,
    "fail": _fail,
    "crash": _crash,
    "die": _die,
    "hang": _hang,
}


def _log(line: str) -> None:
    name = os.environ.get("VIDQA_STUB_LOG")
    if name:
        with Path(name).open("a") as file:
            file.write(line + "\n")
