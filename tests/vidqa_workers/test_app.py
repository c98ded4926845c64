"""The settings that measurements asked for, and what follows from them."""

from __future__ import annotations

import pytest

from vidqa.errors import SettingsError
from vidqa.service_settings import ServiceSettings
from vidqa_workers.app import direct_queue, make_app, queue_name
from vidqa_workers.serving import serve

BROKER = "redis://127.0.0.1:1/0"
SETTINGS = ServiceSettings()
CONF = make_app(BROKER, SETTINGS).conf


def test_a_message_is_not_given_again_while_its_job_may_still_run() -> None:
    waits_s = CONF.broker_transport_options["visibility_timeout"]
    assert waits_s > CONF.task_time_limit > CONF.task_soft_time_limit > SETTINGS.max_job_seconds


def test_a_job_has_ended_itself_before_celery_ends_its_process() -> None:
    assert CONF.worker_soft_shutdown_timeout > SETTINGS.stop_grace_s
    assert CONF.task_soft_time_limit >= SETTINGS.max_job_seconds + SETTINGS.cancel_grace_s


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("task_acks_on_failure", True),
        ("task_acks_on_timeout", True),
        ("task_ignore_result", True),
        ("result_backend", None),
        ("task_serializer", "json"),
        ("accept_content", ["json"]),
        ("worker_prefetch_multiplier", 1),
        ("worker_proc_alive_timeout", 300.0),
        ("worker_cancel_long_running_tasks_on_connection_loss", False),
        ("worker_enable_remote_control", True),
        ("broker_connection_retry_on_startup", True),
        ("broker_connection_max_retries", None),
    ],
)
def test_the_setting_is_as_measured(name: str, value: object) -> None:
    assert CONF[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unacked_restore_interval", 10),
        ("unacked_restore_throttle", 1),
        ("unacked_mutex_expire", 10),
        ("socket_timeout", 30),
        ("socket_connect_timeout", 5),
        ("socket_keepalive", True),
        ("health_check_interval", 10),
    ],
)
def test_the_transport_option_is_as_measured(name: str, value: object) -> None:
    assert CONF.broker_transport_options[name] == value


def test_the_model_s_jobs_and_the_others_have_queues_of_their_own() -> None:
    assert [queue.name for queue in CONF.task_queues] == ["vidqa.cpu", "vidqa.gpu"]


def test_a_worker_has_one_more_queue_for_jobs_that_it_alone_should_have() -> None:
    direct = direct_queue("gpu", "wrk_1")
    queues = make_app(BROKER, SETTINGS, direct=direct).conf.task_queues
    assert [queue.name for queue in queues][-1] == "vidqa.gpu.wrk_1" == f"{queue_name('gpu')}.wrk_1"


def test_without_a_broker_the_next_step_is_told() -> None:
    with pytest.raises(SettingsError) as caught:
        serve(ServiceSettings())
    assert caught.value.code == "broker_missing"
    assert "--broker redis://" in caught.value.next_step
