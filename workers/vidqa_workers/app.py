"""The Celery application and every setting it runs with.

Start: ``celery -A vidqa_workers.app worker --pool prefork --concurrency 1``. Prefork because it
is the only pool in which a time limit, a kill and a shutdown all leave the message with the broker;
one process because each loads a model of its own. Never ``--without-gossip --without-mingle`` with
remote control off: such a worker does not come back after the broker restarts.

Read from the environment, once: ``VIDQA_BROKER_URL`` (default: Redis on this machine) and
``VIDQA_RESULT_URL`` (default: results are not kept, and the caller of a task gets nothing back).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from celery import Celery

LOCAL_REDIS = "redis://127.0.0.1:6379/0"
JOB_LIMIT_S = 7200
_SOFT_SHUTDOWN_S = 25.0  # keep it below the delay after which the supervisor kills


def make_app(environ: Mapping[str, str]) -> Celery:
    """An application from ``VIDQA_BROKER_URL`` and ``VIDQA_RESULT_URL``, with our settings."""
    results = environ.get("VIDQA_RESULT_URL")
    celery = Celery(
        "vidqa",
        broker=environ.get("VIDQA_BROKER_URL", LOCAL_REDIS),
        backend=results,
        include=["vidqa_workers.tasks"],
        set_as_current=False,
    )
    celery.conf.update(task_ignore_result=results is None, **_DELIVERY, **_WORKER)
    return celery


_DELIVERY = {
    # A message is acknowledged when its job has ended, and put back when its process dies.
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_time_limit": JOB_LIMIT_S,
    "task_soft_time_limit": JOB_LIMIT_S - 60,
    "task_serializer": "json",
    "result_serializer": "json",
    "accept_content": ["json"],
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "visibility_timeout": JOB_LIMIT_S + 600,  # shorter than a job: the job runs for ever
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 10,  # 300 by default: no message is given again for 5 minutes
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
}

_WORKER = {
    "worker_prefetch_multiplier": 1,
    "worker_soft_shutdown_timeout": _SOFT_SHUTDOWN_S,
    "worker_proc_alive_timeout": 300.0,  # a process that is loading a model is not dead
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_enable_remote_control": True,  # without it, no reconnection when the broker restarts
    "worker_hijack_root_logger": False,
}

app = make_app(os.environ)
