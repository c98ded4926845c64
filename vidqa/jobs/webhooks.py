"""Webhooks: the outbox of ended jobs in, signed messages out, each at least once.

A line of the outbox is written in the transaction that ends a job, and goes when its receiver has
answered 2xx. Whoever takes a line puts off its next try first, so that one process sends it, and a
process that dies sends it again later: a receiver drops doubles by ``webhook-id``. Eight tries
within a day; a receiver that answers 410 has had enough. Signed as :mod:`vidqa.jobs.signing` says.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Literal, Protocol

from vidqa.errors import FetchError, VidqaError
from vidqa.fetching import ANY_PUBLIC_HOST, Answer, FetchRules, Network, check, post
from vidqa.jobs.signing import signed_headers
from vidqa.service.records import Job, OutboxLine

DELAYS_S = (5.0, 60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 54_000.0)
"""Between one try and the next: eight tries, the last 23 h 36 min after the first."""
TRIES = len(DELAYS_S) + 1
HOLD_S = 600.0
"""How long lines are left to whoever took them; longer than all of their tries take."""
_AT_ONCE = 20
_IDLE_S = 1.0
_GONE = 410
Outcome = Literal["delivered", "again", "given_up"]
log = logging.getLogger(__name__)


class Outbox(Protocol):
    """The store, as far as webhooks go (:class:`vidqa.jobs.posting.Posting`)."""

    def take_outbox(self, *, limit: int = 10, hold_s: float = 60.0) -> Sequence[OutboxLine]:
        """Lines that are due, and nobody else's for ``hold_s``."""
        ...

    def put_off(self, line_id: str, delay_s: float, trouble: str) -> None:
        """A try failed; the next is due after ``delay_s``."""
        ...

    def delivered(self, line_id: str) -> None:
        """It was, or never will be."""
        ...

    def get(self, tenant: str | None, job_id: str) -> Job:
        """The job that a line is about."""
        ...


def webhook_rules(private_networks: Sequence[str] = ()) -> FetchRules:
    """To whom a webhook may go: any public host, on any port but the privileged ones of others.

    ``private_networks`` are let through, for receivers beside the service.
    """
    return FetchRules(
        allowed_domains=(ANY_PUBLIC_HOST,),
        private_networks=tuple(private_networks),
        ports=frozenset({80, 443, *range(1024, 65_536)}),
        largest_bytes=65_536,
        redirects=0,
        connect_s=5.0,
        silence_s=10.0,
        total_s=20.0,
    )


def check_webhook_url(url: str, rules: FetchRules) -> str:
    """The URL itself, where a webhook may be sent there as far as it alone tells; its host is
    looked up when it is sent to. Raises :class:`FetchError`."""
    check(url, rules)
    return url


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Delivers what is in the outbox."""

    outbox: Outbox
    secrets: Sequence[str]
    """One, or two while one replaces the other."""
    rules: FetchRules
    network: Network | None = None
    now_s: Callable[[], float] = time.time

    def deliver_due(self) -> dict[str, Outcome]:
        """Try every line that is due, and say how each went."""
        lines = self.outbox.take_outbox(limit=_AT_ONCE, hold_s=HOLD_S)
        return {line.id: self._deliver(line) for line in lines}

    def run(self, stop: Event) -> None:
        """Deliver until ``stop`` is set; a database that is away is waited for."""
        while not stop.is_set():
            try:
                busy = bool(self.deliver_due())
            except VidqaError as err:
                log.warning("webhooks wait: %s", err)
                busy = False
            if not busy:
                stop.wait(_IDLE_S)

    def _deliver(self, line: OutboxLine) -> Outcome:
        try:
            answer = self._send(line)
        except FetchError as err:
            return self._failed(line, f"{err.code}: {err}", None)
        if 200 <= answer.status < 300:
            self.outbox.delivered(line.id)
            return "delivered"
        if answer.status == _GONE:
            return self._give_up(line, "the receiver answered 410: it wants no more")
        return self._failed(line, f"the receiver answered {answer.status}", answer)

    def _send(self, line: OutboxLine) -> Answer:
        body = message_of(line, self.outbox.get(line.tenant, line.job_id))
        signed = signed_headers(
            body, message_id=line.id, sent_at_s=int(self.now_s()), secrets=self.secrets
        )
        headers = {"Content-Type": "application/json", **signed}
        return post(line.url, body, headers, self.rules, network=self.network)

    def _failed(self, line: OutboxLine, trouble: str, answer: Answer | None) -> Outcome:
        """``line.tries`` are those before this one."""
        if line.tries + 1 >= TRIES:
            return self._give_up(line, trouble)
        delay_s = max(DELAYS_S[line.tries], _asked_s(answer.headers if answer else {}))
        self.outbox.put_off(line.id, delay_s, trouble)
        return "again"

    def _give_up(self, line: OutboxLine, trouble: str) -> Outcome:
        log.warning("webhook %s of %s is given up: %s", line.id, line.job_id, trouble)
        self.outbox.delivered(line.id)
        return "given_up"


def message_of(line: OutboxLine, job: Job) -> bytes:
    """The body: ``type``, ``timestamp`` and ``data``, as Standard Webhooks has it.

    It says that a job ended and how, and not what it found: whoever may read that asks for it.
    """
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(line.made_at))
    told = job.to_dict()
    names = ("id", "kind", "state", "outcome", "video_id", "error", "created_at", "finished_at")
    message = {"type": line.type, "timestamp": stamp, "data": {name: told[name] for name in names}}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _asked_s(headers: Mapping[str, str]) -> float:
    """``Retry-After`` in seconds, an hour at most; 0 where it is not there or is a date."""
    told = headers.get("retry-after", "").strip()
    return min(float(told), 3_600.0) if told.isascii() and told.isdigit() else 0.0
