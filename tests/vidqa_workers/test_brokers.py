"""A broker with known holes, or one that throws queues away, is told of; none is refused."""

from __future__ import annotations

import pytest

from tests.redis_server import running_redis
from vidqa_workers.brokers import broker_warnings, floor_of, warnings_of


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"redis_version": "6.2.14"}, "redis 6.2.14, which has known holes: take 6.2.20"),
        ({"redis_version": "7.0.15"}, "redis 7.0.15, which has known holes: take 7.2.11"),
        ({"redis_version": "7.4.5"}, "redis 7.4.5, which has known holes: take 7.4.6"),
        ({"redis_version": "8.0.0"}, "redis 8.0.0, which has known holes: take 8.2.2"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.0"}, "valkey 9.1.0, which"),
    ],
)
def test_an_old_version_is_told_with_the_one_to_take(info: dict[str, object], told: str) -> None:
    (said,) = warnings_of(info)
    assert told in said


@pytest.mark.parametrize(
    "info",
    [
        {"redis_version": "6.2.20"},
        {"redis_version": "7.4.6"},
        {"redis_version": "8.2.2"},
        {"redis_version": "8.4.0"},
        {"redis_version": "7.2.4", "valkey_version": "9.1.1"},
        {"redis_version": "7.2.4", "valkey_version": "10.0.0"},
    ],
)
def test_a_sound_version_is_not_told(info: dict[str, object]) -> None:
    assert warnings_of(info) == []


def test_a_broker_that_evicts_keys_is_told() -> None:
    (said,) = warnings_of({"redis_version": "8.2.2", "maxmemory_policy": "allkeys-lru"})
    assert "maxmemory-policy allkeys-lru" in said


def test_a_version_that_is_no_number_counts_as_old() -> None:
    (said,) = warnings_of({"redis_version": "unstable"})
    assert "take 6.2.20" in said


def test_a_line_newer_than_all_that_are_known_is_its_own_floor() -> None:
    assert floor_of("redis", (9, 0, 1)) == (8, 2, 2)


def test_a_broker_that_is_away_is_nothing_to_tell() -> None:
    assert broker_warnings("redis://127.0.0.1:1/0", timeout_s=0.5) == []


def test_a_running_broker_is_asked() -> None:
    with running_redis() as server:
        for said in broker_warnings(server.url):
            assert "known holes" in said
        server.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        assert "allkeys-lru" in broker_warnings(server.url)[-1]
