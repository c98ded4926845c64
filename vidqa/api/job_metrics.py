"""What Prometheus reads of jobs: from the database, whoever did them and whichever API is asked.

Every API process of an installation tells the same figures: take the highest, never their sum.
Gauges are those of the moment; counters begin at 0 when the service starts and take in every job
that has ended since, at each scrape those that are new.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from vidqa.jobs.store import JobStore
from vidqa.service.endings import Ended, Endings
from vidqa.service.records import Counts

_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)


class Spread:
    """A histogram by one label, as Prometheus counts it."""

    def __init__(self) -> None:
        self._buckets: dict[str, list[int]] = {}
        self._sums: dict[str, float] = defaultdict(float)

    def add(self, label: str, seconds: float) -> None:
        """One more observation."""
        buckets = self._buckets.setdefault(label, [0] * (len(_SECONDS) + 1))
        for at, bound in enumerate((*_SECONDS, float("inf"))):
            buckets[at] += seconds <= bound
        self._sums[label] += seconds

    def family(self, name: str, text: str, label: str) -> HistogramMetricFamily:
        """As a scrape tells it."""
        family = HistogramMetricFamily(name, text, labels=(label,))
        bounds = [*map(str, _SECONDS), "+Inf"]
        for value, buckets in self._buckets.items():
            pairs = list(zip(bounds, buckets, strict=True))
            family.add_metric((value,), buckets=pairs, sum_value=self._sums[value])
        return family


class Tally:
    """What the jobs that have ended took and came to."""

    def __init__(self) -> None:
        self.ended: dict[tuple[str, ...], float] = defaultdict(float)
        self.failures: dict[tuple[str, ...], float] = defaultdict(float)
        self.stage_s: dict[tuple[str, ...], float] = defaultdict(float)
        self.tokens: dict[tuple[str, ...], float] = defaultdict(float)
        self.frames = 0
        self.cache: dict[tuple[str, ...], float] = defaultdict(float)
        self.waited, self.ran = Spread(), Spread()

    def add(self, job: Ended) -> None:
        """One more."""
        self.ended[job.kind, job.state] += 1
        if job.error is not None and job.state == "failed":
            self.failures[str(job.error.get("code", "unknown")),] += 1
        if job.waited_s is not None:
            self.waited.add(job.kind, max(0.0, job.waited_s))
        if job.ran_s is not None:
            self.ran.add(job.kind, max(0.0, job.ran_s))
        self._add_result(job.result or {})

    def _add_result(self, result: Mapping[str, Any]) -> None:
        for name, seconds in _numbers(result.get("timings")):
            self.stage_s[name.removesuffix("_s"),] += seconds
        for each in result.get("passes") or ():
            self.tokens[str(each.get("stage")),] += int(each.get("video_tokens", 0))
            self.frames += int(each.get("frames", 0))
        for name, state in (result.get("cache") or {}).items():
            self.cache[str(name), str(state)] += 1

    def families(self) -> Iterator[Metric]:
        """As a scrape tells them."""
        yield _counters("vidqa_jobs_ended", "Jobs that ended.", ("kind", "state"), self.ended)
        yield _counters("vidqa_job_failures", "Failed jobs.", ("code",), self.failures)
        yield _counters("vidqa_stage_seconds", "Seconds of work.", ("stage",), self.stage_s)
        yield _counters("vidqa_video_tokens", "Video tokens looked at.", ("stage",), self.tokens)
        yield CounterMetricFamily("vidqa_frames", "Frames looked at.", value=self.frames)
        yield _counters("vidqa_cache", "Jobs by what a cache had.", ("cache", "state"), self.cache)
        yield self.waited.family("vidqa_job_wait_seconds", "From taken to begun.", "kind")
        yield self.ran.family("vidqa_job_run_seconds", "From begun to ended.", "kind")


class JobMetrics(Collector):
    """Reads the store at every scrape; from any thread."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs, self._lock = jobs, threading.Lock()
        self._tally = Tally()
        self._endings = Endings(jobs.database)

    def collect(self) -> Iterator[Metric]:
        """Raises our errors where the database does not answer: no figures are better than old."""
        counts = self._jobs.counts()
        with self._lock:
            for job in self._endings.new():
                self._tally.add(job)
            yield from _of_now(counts)
            yield from list(self._tally.families())


def _of_now(counts: Counts) -> Iterator[Metric]:
    yield _gauges("vidqa_jobs", "Jobs by state.", "state", counts.states)
    yield _gauges("vidqa_queue_depth", "Jobs that may be claimed now.", "queue", counts.depth)
    yield _gauges(
        "vidqa_queue_oldest_seconds", "Wait of the oldest of them.", "queue", counts.oldest_s
    )
    yield GaugeMetricFamily("vidqa_workers", "Workers seen lately.", value=counts.workers)
    yield GaugeMetricFamily(
        "vidqa_webhooks_due", "Webhooks not delivered yet.", value=counts.webhooks_due
    )
    yield CounterMetricFamily(
        "vidqa_leases_lost", "Jobs whose worker fell silent.", value=counts.leases_lost
    )
    yield CounterMetricFamily(
        "vidqa_duplicates_dropped",
        "Announcements of jobs that another worker had.",
        value=counts.duplicates_dropped,
    )


def _gauges(name: str, text: str, label: str, values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value, number in values.items():
        family.add_metric((str(value),), number)
    return family


def _counters(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, number in values.items():
        family.add_metric(key, number)
    return family


def _numbers(table: object) -> Iterator[tuple[str, float]]:
    if isinstance(table, Mapping):
        for name, value in table.items():
            if isinstance(value, (int, float)):
                yield str(name), float(value)
