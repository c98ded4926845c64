"""Server-sent events: lines in, events out, as the HTML standard reads them (section 9.2.6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One event of a stream."""

    type: str
    """``message`` where the stream names none."""
    data: str
    id: str
    """The last that was told, which a reconnection sends back; empty before the first."""


ALIVE = ServerEvent(type="", data="", id="")
"""Not an event: a comment, which says that the connection stands."""


def read_events(lines: Iterable[str]) -> Iterator[ServerEvent]:
    """Events of a stream of lines without their ends, and :data:`ALIVE` for every comment; unknown
    fields are passed over, and so is an event whose end never comes."""
    kind, data, last_id = "", list[str](), ""
    for line in lines:
        if not line:
            if data:
                yield ServerEvent(type=kind or "message", data="\n".join(data), id=last_id)
            kind, data = "", []
            continue
        if line.startswith(":"):
            yield ALIVE
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id" and "\0" not in value:
            last_id = value
