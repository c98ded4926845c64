"""What Prometheus reads of one API process: requests, problems, uploads.

What is known of jobs lies in the database, whoever did them: :mod:`vidqa.api.job_metrics`. Several
API processes of one ``vidqa serve`` add up their numbers in the folder that the environment's
``PROMETHEUS_MULTIPROC_DIR`` names, so it does not matter which of them is asked.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which nobody asks for
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The meters of one application; ``collectors`` are asked anew at every scrape."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.collectors: list[Collector] = []
        self.requests_now = Gauge(
            "vidqa_http_requests_in_progress",
            "Requests that are being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._http = Histogram(
            "vidqa_http_request_seconds",
            "From a request's first byte to the last of its answer; status 0: the client left.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._problems = Counter(
            "vidqa_http_problems", "Answers that were problems.", ("code",), registry=registry
        )
        self._uploads = Counter(
            "vidqa_uploads", "Uploads by how they ended.", ("outcome",), registry=registry
        )
        self._studies = Counter(
            "vidqa_videos_measured",
            "Videos by what came of measuring.",
            ("outcome",),
            registry=registry,
        )
        self._upload_bytes = Counter(
            "vidqa_upload_bytes", "Bytes of bodies written to the disk.", registry=registry
        )

    def saw_request(
        self, method: str, route: str, status: int, took_s: float, code: str | None = None
    ) -> None:
        """One request is over; ``code`` is its problem's, if it ended in one."""
        known = method if method in _METHODS else "other"  # a client may invent as many as it likes
        self._http.labels(known, route, str(status)).observe(took_s)
        if code is not None:
            self._problems.labels(code).inc()

    def saw_upload(self, outcome: str) -> None:
        """An upload ended: ``stored``, ``known`` (those bytes were there) or a problem's code."""
        self._uploads.labels(outcome).inc()

    def saw_study(self, outcome: str) -> None:
        """A video was measured: ``ready``, or the code of what is wrong with it."""
        self._studies.labels(outcome).inc()

    def wrote(self, count: int) -> None:
        """``count`` bytes of a body reached the disk."""
        self._upload_bytes.inc(count)

    def text(self) -> bytes:
        """The page that Prometheus scrapes; reads the database where a collector does."""
        shown = CollectorRegistry()
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
            parts = [shown]
        else:
            parts = [self._registry]
        own = CollectorRegistry()
        for collector in self.collectors:
            own.register(collector)
        return b"".join(generate_latest(part) for part in (*parts, own))
