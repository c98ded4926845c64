"""The Celery application: every setting, each with what happens without it.

A job is a row in the database; a message carries its id and nothing else. So nothing that a broker
loses, repeats or keeps matters: lost messages are sent again by whoever re-dispatches, repeated
ones find the row taken and are dropped. The settings only make both rare.

Prefork, because it is the only pool in which a time limit, a kill and a shutdown all leave the
message with the broker: ``solo`` acknowledges and loses a running job on a cold shutdown. Never
``--without-gossip`` with remote control off: such a worker does not come back after a broker that
restarted while it was busy.
"""

from __future__ import annotations

import math
from typing import Any

from celery import Celery
from kombu import Queue

from vidqa.service.records import QUEUES
from vidqa.service_settings import ServiceSettings

RUN_JOB = "vidqa.job"
"""The one task; its one argument is a job's id."""
SOFT_MARGIN_S = 3.0
"""Beyond the time in which a running job ends or goes back, until its process is ended."""
_SLACK_S = 600


def make_app(broker: str, settings: ServiceSettings, *, direct: str | None = None) -> Celery:
    """An application on this broker, with no task yet; ``direct`` is one more queue."""
    celery = Celery("vidqa", broker=broker, backend=None, set_as_current=False)
    celery.conf.update(_TASKS | _WORKER | _limits(settings))
    names = [queue_name(queue) for queue in QUEUES] + ([] if direct is None else [direct])
    celery.conf.task_queues = [Queue(name) for name in names]
    return celery


def queue_name(queue: str) -> str:
    """The broker's name of a queue, so that a Redis may be shared with something else."""
    return f"vidqa.{queue}"


def direct_queue(queue: str, node: str) -> str:
    """Of one worker alone, for jobs on videos that it has at hand."""
    return f"{queue_name(queue)}.{node}"


def _limits(settings: ServiceSettings) -> dict[str, Any]:
    # A job ends itself at max_job_seconds; Celery's limits are for one that no longer listens.
    soft_s = math.ceil(settings.max_job_seconds + settings.cancel_grace_s)
    hard_s = soft_s + math.ceil(settings.cancel_grace_s)
    return {
        "task_soft_time_limit": soft_s,
        "task_time_limit": hard_s,
        # What runs ends itself within stop_grace_s; then nothing is left to be cut short.
        "worker_soft_shutdown_timeout": settings.stop_grace_s + SOFT_MARGIN_S,
        "broker_transport_options": {
            # Shorter than a job, and the job would be given out again and again while it runs.
            # Nothing waits for it: what a dead worker held comes back by its lease.
            "visibility_timeout": hard_s + _SLACK_S,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            # 300 by default: a worker killed while it looks for what to give again stops all
            # others from looking for that long.
            "unacked_mutex_expire": 10,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    }


_TASKS: dict[str, Any] = {
    # A message is acknowledged when its job has ended, and put back when its process dies.
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    # The row decides about another attempt, never the broker.
    "task_acks_on_failure": True,
    "task_acks_on_timeout": True,
    "task_ignore_result": True,
    "task_create_missing_queues": False,
    "task_serializer": "json",
    "result_serializer": "json",
    "accept_content": ["json"],
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
}

_WORKER: dict[str, Any] = {
    "worker_prefetch_multiplier": 1,
    # A model is loaded by the first job and not before; this is for processes that start slowly.
    "worker_proc_alive_timeout": 300.0,
    # True would end and repeat what runs whenever the broker restarts; leases and fences make that
    # needless.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_enable_remote_control": True,
    "worker_hijack_root_logger": False,
}
