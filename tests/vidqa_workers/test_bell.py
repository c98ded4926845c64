"""A bell sends ids, and says so when nobody can hear it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.redis_server import RedisServer, running_redis
from vidqa.errors import JobError
from vidqa.service.records import Rung
from vidqa.service_settings import ServiceSettings
from vidqa_workers.bell import CeleryBell, celery_bell


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def bell(redis: RedisServer) -> Iterator[CeleryBell]:
    made = celery_bell(redis.url, ServiceSettings())
    yield made
    made.close()


def sent(redis: RedisServer, queue: str) -> list[list[object]]:
    """Arguments of the messages that wait in a queue."""
    raw = redis.call("LRANGE", queue, "0", "-1").decode()
    bodies = [json.loads(line)["body"] for line in raw.split("\r\n") if line.startswith("{")]
    return [json.loads(_unpacked(body))[0] for body in bodies]


def _unpacked(body: str) -> str:
    import base64

    return base64.b64decode(body).decode()


def test_a_message_is_the_job_s_id_and_nothing_else(redis: RedisServer, bell: CeleryBell) -> None:
    bell.ring([Rung(job_id="job_1", queue="gpu"), Rung(job_id="job_2", queue="cpu")])
    assert sent(redis, "vidqa.gpu") == [["job_1"]]
    assert sent(redis, "vidqa.cpu") == [["job_2"]]


def test_a_job_is_sent_on_to_one_worker_alone(redis: RedisServer, bell: CeleryBell) -> None:
    bell.send_on("job_1", "gpu", "wrk_1")
    assert sent(redis, "vidqa.gpu.wrk_1") == [["job_1", True]]
    assert sent(redis, "vidqa.gpu") == []


def test_messages_that_wait_are_counted_and_none_in_an_empty_broker(
    redis: RedisServer, bell: CeleryBell
) -> None:
    assert bell.waiting("gpu") == 0
    bell.ring([Rung(job_id=f"job_{k}", queue="gpu") for k in range(3)])
    assert (bell.waiting("gpu"), bell.waiting("cpu")) == (3, 0)
    redis.call("FLUSHALL")
    assert bell.waiting("gpu") == 0


def test_a_broker_that_is_away_is_a_typed_error_and_one_that_is_back_hears(
    redis: RedisServer, bell: CeleryBell
) -> None:
    bell.ring([Rung(job_id="job_1", queue="gpu")])
    redis.kill()
    for call in (
        lambda: bell.ring([Rung(job_id="job_2", queue="gpu")]),
        lambda: bell.waiting("gpu"),
    ):
        with pytest.raises(JobError) as caught:
            call()
        assert caught.value.code == "broker_away"
    redis.start()
    bell.ring([Rung(job_id="job_3", queue="gpu")])
    assert sent(redis, "vidqa.gpu") == [["job_3"]]


def test_a_broker_that_was_emptied_still_takes_messages(
    redis: RedisServer, bell: CeleryBell
) -> None:
    bell.ring([Rung(job_id="job_1", queue="gpu")])
    redis.call("FLUSHALL")
    bell.ring([Rung(job_id="job_2", queue="gpu")])
    assert sent(redis, "vidqa.gpu") == [["job_2"]]
