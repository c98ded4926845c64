"""What can be looked for: kinds of event, of any colour or of one.

In: nothing. Out: :data:`EVERY_QUERY` and :data:`TRAINED`, the queries that training may ask about:
a pair that is kept for measuring (:data:`vidqa_nano.phrases.NOVEL_PAIRS`) is never asked, not even
as something absent, or nano would learn that it never happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidqa_nano.phrases import BY_NAME, COLOURS_OF, KINDS, NOVEL_PAIRS, Kind, mirrored


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as the clip shows it: seconds on the clip's clock; ``whole`` unless it was cut."""

    kind: Kind
    colour: str | None
    start_s: float
    end_s: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """Something to look for: a kind of event, of any colour when ``colour`` is None."""

    kind: Kind
    colour: str | None

    def matches(self, seen: Seen) -> bool:
        """Whether an event is of this kind and colour."""
        return seen.kind is self.kind and self.colour in (None, seen.colour)

    def spans(self, events: Sequence[Seen]) -> list[tuple[float, float]]:
        """When it happens, overlapping spans merged."""
        merged: list[tuple[float, float]] = []
        for start, end in sorted((e.start_s, e.end_s) for e in events if self.matches(e)):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


def every_query() -> list[Query]:
    """All kinds, with every colour and without."""
    return [Query(k, c) for k in KINDS for c in (None, *COLOURS_OF.get(k.actor, ()))]


EVERY_QUERY = every_query()
TRAINED = [q for q in EVERY_QUERY if (q.kind.name, q.colour) not in NOVEL_PAIRS]
COLUMN = {(q.kind.name, q.colour): i for i, q in enumerate(TRAINED)}
"""Place of a query among :data:`TRAINED`, by kind and colour."""


def happening(events: Sequence[Seen]) -> set[tuple[str, str | None]]:
    """The (kind, colour) pairs of all queries that are true of the events."""
    exact = {(e.kind.name, e.colour) for e in events}
    return exact | {(name, None) for name, _ in exact}


def confusions(query: Query) -> dict[str, list[Query]]:
    """Queries that differ from ``query`` in one thing: its direction, its colour, its action."""
    mirror = mirrored(query.kind)
    same_actor = [k for k in KINDS if k.actor == query.kind.actor and k is not query.kind]
    near = {
        "direction": [Query(mirror, query.colour)] if mirror is not query.kind else [],
        "colour": [
            Query(query.kind, c)
            for c in COLOURS_OF.get(query.kind.actor, ())
            if query.colour is not None and c != query.colour
        ],
        "action": [Query(kind, query.colour) for kind in same_actor],
    }
    return {name: [q for q in queries if trained(q)] for name, queries in near.items()}


def trained(query: Query) -> bool:
    """Whether training may ask about it."""
    return (query.kind.name, query.colour) not in NOVEL_PAIRS


def query_of(name: str, colour: str | None) -> Query:
    """The query of a kind's name and a colour."""
    return Query(BY_NAME[name], colour)
