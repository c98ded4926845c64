"""How much one key may ask: a token bucket for its rate, and a number of requests at once.

Counted in one API process: behind several, a key may ask that many times as much. A service
without keys counts nothing, for nobody but this machine's users can reach it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vidqa.errors import NotNow

AT_ONCE = 64
"""Requests of one key that may be open at the same time, among them streams of events."""
_KEYS = 10_000
"""Keys whose buckets are remembered; one that was forgotten begins with a full bucket."""


class Bucket:
    """A token bucket: ``rate`` tokens come a second, at most ``burst`` are kept."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens", "open")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, now
        self.open = 0
        """Requests that are being answered."""

    def take(self, now: float) -> float:
        """Take one token and return 0, or return the seconds until there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class Limits:
    """The buckets of all keys; ``per_minute`` 0 bounds no rate.

    Used from the event loop alone, so without locks.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        at_once: int = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute, self._at_once, self._clock = per_minute, at_once, clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    @contextmanager
    def admit(self, key_id: str) -> Iterator[None]:
        """While a request of this key is answered.

        Raises :class:`NotNow`: ``rate_limited`` with the time until the next token, or
        ``too_many_requests`` where as many as may be are open.
        """
        bucket = self._bucket(key_id)
        if bucket.open >= self._at_once:
            raise NotNow(
                f"this key has {bucket.open} requests open, as many as it may",
                code="too_many_requests",
                next_step="Wait until one of them is answered, or close a stream of events.",
            )
        wait_s = bucket.take(self._clock()) if self._per_minute else 0.0
        if wait_s:
            raise NotNow(
                f"this key asked more than {self._per_minute} times a minute",
                code="rate_limited",
                next_step="Wait as long as Retry-After says; rate_per_minute sets the limit.",
                retry_after_s=wait_s,
            )
        bucket.open += 1
        try:
            yield
        finally:
            bucket.open -= 1

    def _bucket(self, key_id: str) -> Bucket:
        bucket = self._buckets.get(key_id)
        if bucket is None:
            burst = max(10.0, self._per_minute / 6)  # what ten seconds allow
            bucket = Bucket(self._per_minute / 60, burst, self._clock())
            self._buckets[key_id] = bucket
            if len(self._buckets) > _KEYS:
                self._forget_idle()
        self._buckets.move_to_end(key_id)
        return bucket

    def _forget_idle(self) -> None:
        for key_id, bucket in list(self._buckets.items())[: len(self._buckets) - _KEYS]:
            if not bucket.open:
                del self._buckets[key_id]
