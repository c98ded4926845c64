"""What a process of a Celery pool is to the rest of the service: a worker like any other."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from types import FrameType
from typing import Any

from celery import Celery, signals

from vidqa.errors import VidqaError
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service_settings import ServiceSettings
from vidqa_workers.app import RUN_JOB
from vidqa_workers.bell import celery_bell
from vidqa_workers.orders import Orders

log = logging.getLogger(__name__)
BEAT_S = 10.0

_desk: Desk | None = None


class Desk:
    def __init__(self, orders: Orders, settings: ServiceSettings) -> None:
        assert settings.broker
        self.orders, self.settings = orders, settings
        self.worker = f"{orders.node}.{os.getpid()}"
        self.store = open_jobs(settings, bell=celery_bell(settings.broker, settings))
        self.store.register(self.worker, host=socket.gethostname(), pid=os.getpid(), queues=[orders.queue])
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        import time
        while True:
            time.sleep(BEAT_S)
            try:
                self.store.beat(self.worker)
            except VidqaError:
                pass

    def run(self, job_id: str) -> None:
        claim = self.store.claim(self.worker, queues=[self.orders.queue], job_id=job_id)
        if claim is None:
            return
        import importlib
        m, f = self.orders.handlers.split(":")
        class W:
            class halt:
                @staticmethod
                def check(): pass
            @staticmethod
            def progress(*a): pass
        r = getattr(importlib.import_module(m), f)(claim.job.kind, claim.job.request, W)
        self.store.finish(claim, r, "found")
        self.store.announce()


def prepare(app: Celery, orders: Orders, settings: ServiceSettings) -> None:
    @app.task(name=RUN_JOB)
    def run_job(job_id: str) -> None:
        assert _desk
        _desk.run(job_id)

    @signals.worker_process_init.connect(weak=False)
    def begin(**_: Any) -> None:
        global _desk
        _desk = Desk(orders, settings)
