"""Questions about a clip and their replies.

In: the events seen in a window of a story, the actors in it, a random generator. Out:
:class:`Question` objects: what the user says, what nano should reply, and the spans it is about.
More than half are grounding questions, a quarter of them about something that does not happen and
differs from what does in one thing; the others are letters to check an event, free questions
(:mod:`vidqa_nano.asking`) and a list of all events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidqa_nano.phrases import canonical, phrase
from vidqa_nano.queries import TRAINED, Query, Seen, confusions, happening
from vidqa_nano.wording import (
    DESCRIBE,
    GROUND,
    MOST_LISTED,
    VERIFY,
    Times,
    describe_reply,
    ground_reply,
)
from vidqa_nano.world import Rng

ABSENT_SHARE, VERIFY_SHARE, ASK_SHARE = 0.28, 0.1, 0.34
DESCRIBE_SHARE = 0.2
"""Share of the clips of which a list of events is asked, beside the other questions."""
REPEATED = 4.0
"""How much sooner the turn of a query comes that happens several times."""
REPEATED_SHARE = 0.25
"""Share of questions for which one that happens several times is preferred at once."""
_NEAR = {"direction": 0.25, "colour": 0.3, "action": 0.3, "any": 0.15}
"""How an absent query differs from one that happens."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A phrase in a question's text, as the network should understand it."""

    end: int
    """Characters of the text up to the end of the phrase."""
    spans: Times | None
    """When what it names happens, none if never; None where it names no event."""
    right: bool = False
    """Whether it is the one among several that the reply takes."""
    said: int | None = None
    """Where it may be the answer: characters of the text up to behind what a reply with it begins
    with, its letter or its own first character."""


@dataclass(frozen=True, slots=True)
class Question:
    """One turn: ``text`` from the user, ``reply`` from nano, the spans that the reply is about.

    A question of task ``embed`` has no reply: its last token stands for the clip.
    """

    task: str
    text: str
    reply: str
    spans: Times
    marks: tuple[Mark, ...] = ()


@dataclass(slots=True)
class Sides:
    """What can be asked of a clip: queries that happen, each in turn, and ones that do not."""

    events: Sequence[Seen]
    present: list[Query]
    happens: set[tuple[str, str | None]]
    rng: Rng

    @classmethod
    def of(cls, events: Sequence[Seen], rng: Rng) -> Sides:
        """Queries about cut events are left out; those that happen several times come sooner."""
        cut = happening([e for e in events if not e.whole])
        happens = happening(events)
        usable = [q for q in TRAINED if _key(q) in happens and _key(q) not in cut]
        luck = rng.random(len(usable))
        weight = [REPEATED if len(q.spans(events)) > 1 else 1.0 for q in usable]
        turn = [luck[i] ** (1 / weight[i]) for i in range(len(usable))]
        order = sorted(range(len(usable)), key=lambda i: -turn[i])
        return cls(events, [usable[i] for i in order], happens, rng)

    def draw(self, absent_share: float) -> Query:
        """The next query that happens, or one that does not."""
        if not self.present or self.rng.random() < absent_share:
            return self.absent()
        if self.rng.random() < REPEATED_SHARE and (repeated := self.repeated()):
            return repeated
        query = self.present.pop(0)
        self.present.append(query)
        return query

    def repeated(self) -> Query | None:
        """One that happens more than once, if there is any."""
        found = [q for q in self.present if len(q.spans(self.events)) > 1]
        return found[int(self.rng.integers(len(found)))] if found else None

    def absent(self) -> Query:
        """Something that does not happen, mostly one step away from something that does."""
        if not self.present:
            return self.anything()
        near = self.near(self.present[int(self.rng.integers(len(self.present)))], 1)
        return near[0] if near else self.anything()

    def near(self, query: Query, count: int) -> list[Query]:
        """Up to ``count`` different queries that do not happen and resemble ``query``."""
        names = list(_NEAR)
        ranked: list[Query] = []
        pools = {name: self._missing(qs) for name, qs in confusions(query).items()}
        pools["any"] = [self.anything()]
        for i in self.rng.choice(len(names), size=len(names), replace=False, p=[*_NEAR.values()]):
            pool = pools[names[i]]
            ranked += [pool[k] for k in self.rng.permutation(len(pool))[:2]]
        return list(dict.fromkeys(ranked))[:count]

    def anything(self) -> Query:
        """Any query that does not happen."""
        while _key(query := TRAINED[int(self.rng.integers(len(TRAINED)))]) in self.happens:
            pass
        return query

    def _missing(self, queries: Sequence[Query]) -> list[Query]:
        return [q for q in queries if _key(q) not in self.happens]


def _key(query: Query) -> tuple[str, str | None]:
    return query.kind.name, query.colour


def say(query: Query, rng: Rng) -> str:
    """A phrasing of the query: the canonical one twice as often as each other."""
    patterns = len(query.kind.patterns)
    article = bool(rng.random() < 0.4)
    pattern = max(0, int(rng.integers(-1, patterns)))
    text = phrase(query.kind, pattern, colour=query.colour, article=article)
    if rng.random() < 0.15:
        text = text[:1].upper() + text[1:]
    return f"{text}." if rng.random() < 0.07 else text


def ground(query: Query, events: Sequence[Seen], rng: Rng | None = None) -> Question:
    """When does it happen?  Without a generator the canonical phrasing is used."""
    text = canonical(query.kind, query.colour) if rng is None else say(query, rng)
    spans = query.spans(events)
    marks = (_mark(GROUND, text, spans),)
    return Question("ground", GROUND.format(query=text), ground_reply(spans), spans, marks)


def verify(query: Query, events: Sequence[Seen], rng: Rng | None = None) -> Question:
    """Does it happen at all?  A letter is the reply."""
    text = canonical(query.kind, query.colour) if rng is None else say(query, rng)
    spans = query.spans(events)
    marks = (_mark(VERIFY, text, spans),)
    return Question("verify", VERIFY.format(query=text), "A" if spans else "B", spans, marks)


def _mark(pattern: str, text: str, spans: Times) -> Mark:
    return Mark(pattern.index("{query}") + len(text), spans)


def describe(events: Sequence[Seen]) -> Question:
    """All events with their times, the first eight."""
    told = sorted((e.start_s, e.end_s, canonical(e.kind, e.colour)) for e in events)[:MOST_LISTED]
    return Question("describe", DESCRIBE, describe_reply(told), [(s, e) for s, e, _ in told])
