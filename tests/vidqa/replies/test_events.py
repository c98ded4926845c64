"""Lists of events as models write them."""

from __future__ import annotations

import pytest

from vidqa.replies import parse_events
from vidqa.timeline import Span

WINDOW = Span(0.0, 60.0)
FENCED = """```json
[{"start_time": "00:03.00", "end_time": "00:07.50", "description": "person opens door."},
 {"start_time": "00:10.00", "end_time": "00:12.50", "description": "red ball bounces"}]
```"""
CUT_OFF = """[{"description": "person opens door", "start": 3, "end": 7.5},
 {"event": "red ball bounces", "start": 10, "end": 12.5}, {"start": 20, "en"""


def read(reply: str) -> list[tuple[float, float, str]]:
    return [
        (e.span.start_s, e.span.end_s, e.text) for e in parse_events(reply, window=WINDOW).events
    ]


@pytest.mark.parametrize(
    "reply",
    [
        "3.0 - 7.5 seconds, person opens door.\n10.0 - 12.5 seconds, red ball bounces.",
        "- 3.0s - 7.5s: person opens door\n- 10.0s - 12.5s: red ball bounces",
        "1. [00:03.00 - 00:07.50] person opens door\n2. [00:10.00 - 00:12.50] red ball bounces",
        FENCED,
        CUT_OFF,
    ],
)
def test_lines_and_json_give_the_same_events(reply: str) -> None:
    assert read(reply) == [(3.0, 7.5, "person opens door"), (10.0, 12.5, "red ball bounces")]


def test_events_are_cut_to_the_window_sorted_and_told_once() -> None:
    reply = "50 - 90 seconds, b.\n3 - 4 seconds, a.\n3 - 4 seconds, a.\n70 - 80 seconds, c."
    assert read(reply) == [(3.0, 4.0, "a"), (50.0, 60.0, "b")]


@pytest.mark.parametrize(
    ("reply", "quiet"),
    [("Nothing happens.", True), ("[]", True), ("No events.", True), ("A nice film.", False)],
)
def test_a_plain_nothing_differs_from_what_cannot_be_read(reply: str, quiet: bool) -> None:
    parsed = parse_events(reply, window=WINDOW)
    assert (parsed.events, parsed.quiet) == ((), quiet)


def test_thinking_is_no_event() -> None:
    assert read("<think>3 - 4 seconds, a door</think>5 - 6 seconds, a ball") == [
        (5.0, 6.0, "a ball")
    ]
