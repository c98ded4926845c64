"""Server-sent events are read as the HTML standard says."""

from __future__ import annotations

import pytest

from vidqa.client.stream import ALIVE, ServerEvent, read_events


def told(*lines: str) -> list[ServerEvent]:
    return list(read_events(lines))


def event(data: str, type: str = "message", id: str = "") -> ServerEvent:  # noqa: A002
    return ServerEvent(type=type, data=data, id=id)


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["data: a", ""], [event("a")]),
        (["data:a", "data:  b", ""], [event("a\n b")]),
        (["event: x", "id: 7", "data: a", ""], [event("a", "x", "7")]),
        (["id: 7", "data: a", "", "data: b", ""], [event("a", id="7"), event("b", id="7")]),
        (["event: x", "", "data: a", ""], [event("a")]),
        ([": ping", "", "data: a", ""], [ALIVE, event("a")]),
        (["data: cut off"], []),
        (["retry: 3", "nonsense", "data", ""], [event("")]),
        (["id: a\0b", "data: x", ""], [event("x")]),
    ],
)
def test_lines_become_events(lines: list[str], wanted: list[ServerEvent]) -> None:
    assert told(*lines) == wanted
