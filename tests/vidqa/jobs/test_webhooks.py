"""A webhook reaches its receiver at least once, signed, and nobody else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from tests.vidqa.jobs.receiver import Receiver, receiving
from vidqa.errors import FetchError, WebhookError
from vidqa.jobs.signing import new_secret, verify
from vidqa.jobs.webhooks import (
    DELAYS_S,
    HOLD_S,
    TRIES,
    Courier,
    check_webhook_url,
    message_of,
    webhook_rules,
)
from vidqa.service.records import Job, OutboxLine

JOB = Job(
    id="job_01jd9x5t3vq7m0z8k2c4e6g8ha",
    tenant="acme",
    kind="ground",
    request={"query": "a secret question"},
    state="completed",
    queue="gpu",
    content_key="c0",
    created_at=1_700_000_000.0,
    finished_at=1_700_000_009.0,
    outcome="found",
)
LINE = OutboxLine(
    id="evt_01jd9x5t3vq7m0z8k2c4e6g8hb",
    tenant="acme",
    job_id=JOB.id,
    url="",
    type="job.completed",
    made_at=1_700_000_009.5,
    tries=0,
)
NEAR = webhook_rules(["127.0.0.0/8"])


@dataclass
class Box:
    """An outbox in memory, with a clock that is told the time."""

    lines: dict[str, OutboxLine]
    due: dict[str, float] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    now: float = 0.0

    def take_outbox(self, *, limit: int = 10, hold_s: float = 60.0) -> Sequence[OutboxLine]:
        taken = [x for x in self.lines.values() if self.due.get(x.id, 0.0) <= self.now][:limit]
        self.due |= dict.fromkeys((line.id for line in taken), self.now + hold_s)
        return taken

    def put_off(self, line_id: str, delay_s: float, trouble: str) -> None:
        line = self.lines[line_id]
        self.lines[line_id] = replace(line, tries=line.tries + 1)
        self.due[line_id] = self.now + delay_s
        self.troubles.append(trouble)

    def delivered(self, line_id: str) -> None:
        del self.lines[line_id]

    def get(self, tenant: str | None, job_id: str) -> Job:
        assert (tenant, job_id) == (JOB.tenant, JOB.id)
        return JOB


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def box_to(url: str) -> Box:
    return Box({LINE.id: replace(LINE, url=url)})


def courier(box: Box, *secrets: str) -> Courier:
    return Courier(outbox=box, secrets=secrets or (new_secret(),), rules=NEAR)


def test_a_receiver_verifies_what_it_gets_by_either_secret(receiver: Receiver) -> None:
    box, old, new = box_to(receiver.url), new_secret(), new_secret()
    assert courier(box, new, old).deliver_due() == {LINE.id: "delivered"}
    [(headers, body)] = receiver.got
    for secret in (old, new):
        assert verify(body, headers, secrets=[secret], now_s=time.time()) == LINE.id
    with pytest.raises(WebhookError):
        verify(body, headers, secrets=[new_secret()], now_s=time.time())
    assert headers["content-type"] == "application/json"
    assert not box.lines


def test_a_message_says_how_the_job_ended_and_not_what_was_asked() -> None:
    told = json.loads(message_of(LINE, JOB))
    assert told["type"] == "job.completed"
    assert told["timestamp"] == "2023-11-14T22:13:29Z"
    assert told["data"]["id"] == JOB.id
    assert told["data"]["outcome"] == "found"
    assert "secret question" not in json.dumps(told)


def test_a_failing_receiver_gets_eight_tries_within_a_day_with_one_id(receiver: Receiver) -> None:
    box = box_to(receiver.url)
    receiver.answers = [(500, {})] * TRIES
    ends = []
    while box.lines:
        ends += courier(box).deliver_due().values()
        box.now = box.due[LINE.id]
    assert ends == ["again"] * 7 + ["given_up"]
    assert {headers["webhook-id"] for headers, _ in receiver.got} == {LINE.id}
    assert len(receiver.got) == 8
    assert sum(DELAYS_S) < 24 * 3600


def test_a_line_that_is_being_delivered_is_left_alone_for_a_while(receiver: Receiver) -> None:
    box = box_to(receiver.url)
    assert len(box.take_outbox(hold_s=HOLD_S)) == 1  # a process takes it, and dies
    assert courier(box).deliver_due() == {}
    box.now = HOLD_S
    assert courier(box).deliver_due() == {LINE.id: "delivered"}


@pytest.mark.parametrize(
    ("status", "headers", "delay_s"),
    [(503, {"retry-after": "90"}, 90.0), (503, {"retry-after": "1"}, 5.0), (302, {}, 5.0)],
)
def test_a_busy_or_moved_receiver_is_tried_later(
    receiver: Receiver, status: int, headers: dict[str, str], delay_s: float
) -> None:
    box = box_to(receiver.url)
    receiver.answers = [(status, {"location": receiver.url, **headers})]
    assert courier(box).deliver_due() == {LINE.id: "again"}
    assert box.due[LINE.id] == delay_s
    assert len(receiver.got) == 1


def test_a_receiver_that_wants_no_more_gets_no_more(receiver: Receiver) -> None:
    box = box_to(receiver.url)
    receiver.answers = [(410, {})]
    assert courier(box).deliver_due() == {LINE.id: "given_up"}


def test_a_private_address_is_never_connected_to(receiver: Receiver) -> None:
    box = box_to(receiver.url)
    public = Courier(outbox=box, secrets=(new_secret(),), rules=webhook_rules())
    assert public.deliver_due() == {LINE.id: "again"}
    assert receiver.got == []
    assert box.troubles[0].startswith("url_host_refused")


@pytest.mark.parametrize(
    "url", ["ftp://a.example/x", "http://u:p@a.example/", "http://a.example:22/"]
)
def test_a_url_that_no_webhook_goes_to_is_refused_at_once(url: str) -> None:
    with pytest.raises(FetchError):
        check_webhook_url(url, webhook_rules())


def test_a_courier_stops_when_told(receiver: Receiver) -> None:
    box, stop = box_to(receiver.url), threading.Event()
    thread = threading.Thread(target=courier(box).run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 10
    while box.lines and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert not box.lines
