"""Jobs run the same pipeline as every other shell, and say in JSON what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import vidqa
from tests.scripted_engine import context_saying
from vidqa.session import Session
from vidqa_workers import process
from vidqa_workers.app import LOCAL_REDIS, app, make_app
from vidqa_workers.tasks import JobError, ask_task, ground_task


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of grey at 10 frames a second."""
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for k in range(20):
            gray = np.full((64, 64, 3), 10 * k, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(gray, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return tmp_path / "clip.mp4"


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker: ``delay`` runs the task here, through Celery's own tracing."""
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    monkeypatch.setitem(app.conf, "task_eager_propagates", False)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Session]]:
    """A model that always says the same; the sessions that were opened with it."""
    sessions: list[Session] = []

    def open_scripted(**_: object) -> Session:
        sessions.append(Session(context_saying("From 0.5 seconds to 1.0 seconds.")[0]))
        return sessions[-1]

    monkeypatch.setattr(vidqa, "open", open_scripted)
    process.close()
    yield sessions
    process.close()


@pytest.mark.usefixtures("opened")
def test_a_ground_job_gives_the_json_of_a_ground_result(clip: Path) -> None:
    result = ground_task.delay({"path": str(clip), "query": "light turns on"}).get()
    assert result["query"] == "light turns on"
    assert [(s["start"], s["end"]) for s in result["segments"]] == [(0.5, 1.0)]
    assert json.loads(json.dumps(result)) == result


@pytest.mark.usefixtures("opened")
def test_an_ask_job_gives_the_json_of_an_ask_result(clip: Path) -> None:
    result = ask_task.delay({"path": str(clip), "question": "When?"}).get()
    assert result["question"] == "When?"
    assert result["answer"]


@pytest.mark.usefixtures("opened")
def test_a_job_looks_only_at_the_window_asked_for(clip: Path) -> None:
    payload = {"path": str(clip), "query": "q", "start": 1, "end": 2.0}
    coverage = ground_task.delay(payload).get()["coverage"]
    assert (coverage["start"], coverage["end"]) == (1.0, 2.0)


def test_one_process_opens_one_model(opened: list[Session], clip: Path) -> None:
    for _ in range(3):
        ground_task.delay({"path": str(clip), "query": "q"}).get()
    assert len(opened) == 1


def error_of(payload: dict[str, object]) -> dict[str, object]:
    with pytest.raises(JobError) as caught:
        ground_task.delay(payload).get()
    said: dict[str, object] = json.loads(str(caught.value))
    return said


@pytest.mark.usefixtures("opened")
def test_a_missing_video_is_a_typed_error_on_the_caller_s_side(tmp_path: Path) -> None:
    said = error_of({"path": str(tmp_path / "none.mp4"), "query": "q"})
    assert (said["code"], said["stage"], said["retryable"]) == ("file_missing", "video", False)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"query": "q"}, "'path' must be a text"),
        ({"path": "a.mp4", "query": "  "}, "'query' must be a text"),
        ({"path": "a.mp4", "query": "q", "start": "1"}, "'start' must be a number"),
        ({"path": "a.mp4", "query": "q", "end": float("nan")}, "'end' must be a number"),
        ({"path": "a.mp4", "query": "q", "start": True}, "'start' must be a number"),
        ({"path": "a.mp4", "query": "q", "stop": 3}, "'stop' is no name"),
    ],
)
def test_a_payload_is_checked_before_a_model_is_loaded(
    opened: list[Session], payload: dict[str, object], message: str
) -> None:
    said = error_of(payload)
    assert said["code"] == "payload_invalid"
    assert message in str(said["message"])
    assert not opened


def test_a_message_is_not_given_again_while_its_job_may_still_run() -> None:
    options = app.conf.broker_transport_options
    assert options["visibility_timeout"] > app.conf.task_time_limit > app.conf.task_soft_time_limit


def test_jobs_survive_a_dying_process() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost


def test_only_json_is_accepted() -> None:
    assert app.conf.accept_content == ["json"]


def test_the_environment_names_the_broker_and_where_results_go() -> None:
    bare = make_app({})
    assert bare.conf.broker_url == LOCAL_REDIS
    assert bare.conf.task_ignore_result
    told = make_app({"VIDQA_BROKER_URL": "redis://b/1", "VIDQA_RESULT_URL": "redis://r/2"})
    assert (told.conf.broker_url, told.conf.result_backend) == ("redis://b/1", "redis://r/2")
    assert not told.conf.task_ignore_result
