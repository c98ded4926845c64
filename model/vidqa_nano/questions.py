"""Questions about a clip and their replies.

In: the events seen in a window of a scene, the scene, a random generator. Out: :class:`Question`
objects: what the user says, what nano should reply, and the spans it is about. Most are grounding
questions; a share are absent events (often the right actor doing something else, or the right
action in the wrong colour), letters to check an event, and short free questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidqa_nano.phrases import (
    BALL_COLOURS,
    CAR_COLOURS,
    COLOURED,
    KINDS,
    Kind,
    canonical,
    phrase,
    question,
)
from vidqa_nano.wording import ASK, GROUND, VERIFY, Times, ask_reply, ground_reply
from vidqa_nano.world import Rng

ABSENT_SHARE, VERIFY_SHARE, ASK_SHARE = 0.25, 0.1, 0.15
_NUMBERS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six")


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as the clip shows it: seconds on the clip's clock; ``whole`` unless it was cut."""

    kind: Kind
    colour: str | None
    start_s: float
    end_s: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """One turn: ``text`` from the user, ``reply`` from nano, the spans that the reply is about."""

    task: str
    text: str
    reply: str
    spans: Times


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
    colours = {"ball": BALL_COLOURS, "car": CAR_COLOURS}
    return [Query(k, c) for k in KINDS for c in (None, *colours.get(k.actor, ()))]


EVERY_QUERY = every_query()


def every_answer_word() -> list[str]:
    """Words of free questions and answers, for the tokenizer."""
    texts = [*_NUMBERS, "Yes", "No", "Nothing", "What happens at seconds?", "Does", "?", "in"]
    texts += ["How many times does", "What colour is the ball?", "What happens in the video?"]
    return [*texts, *(f"{c.capitalize()} {c}" for c in {*BALL_COLOURS, *CAR_COLOURS})]


def pose(
    events: Sequence[Seen], actors: Sequence[tuple[str, str | None]], rng: Rng, count: int
) -> list[Question]:
    """``count`` questions about a clip with these events and these (kind, colour) actors in it."""
    present, absent = _sides(events, actors, rng)
    questions: list[Question] = []
    while len(questions) < count:
        query = _draw(present, absent, rng)
        task = rng.random()
        if task < VERIFY_SHARE:
            questions.append(_verify(query, events, rng))
        elif task < VERIFY_SHARE + ASK_SHARE:
            questions.append(_ask(query, events, actors, rng))
        else:
            questions.append(ground(query, events, rng))
    return questions


def _sides(
    events: Sequence[Seen], actors: Sequence[tuple[str, str | None]], rng: Rng
) -> tuple[list[Query], list[Query]]:
    """Queries that happen in a random order, and ones that do not, likely confusions first."""
    cut = [e for e in events if not e.whole]
    usable = [q for q in EVERY_QUERY if not any(q.matches(e) for e in cut)]
    present = [q for q in usable if q.spans(events)]
    absent = [q for q in usable if not q.spans(events)]
    there = {kind for kind, _ in actors}
    hard = [q for q in absent if q.kind.actor in there]
    easy = [q for q in absent if q.kind.actor not in there and q.colour is None]
    mixed = [*(hard[i] for i in rng.permutation(len(hard))[:8])]
    mixed += [easy[i] for i in rng.permutation(len(easy))[:4]]
    ordered = [present[i] for i in rng.permutation(len(present))]
    return ordered, [mixed[i] for i in rng.permutation(len(mixed))]


def _draw(present: list[Query], absent: list[Query], rng: Rng) -> Query:
    """The next query of one side, which then goes to the back of its queue."""
    side = absent if not present or (absent and rng.random() < ABSENT_SHARE) else present
    query = side.pop(0)
    side.append(query)
    return query


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
    return Question("ground", GROUND.format(query=text), ground_reply(spans), spans)


def _verify(query: Query, events: Sequence[Seen], rng: Rng) -> Question:
    spans = query.spans(events)
    return Question("verify", VERIFY.format(query=say(query, rng)), "A" if spans else "B", spans)


def _ask(
    query: Query, events: Sequence[Seen], actors: Sequence[tuple[str, str | None]], rng: Rng
) -> Question:
    spans = query.spans(events)
    draw = rng.random()
    coloured = [(kind, colour) for kind, colour in actors if kind in COLOURED]
    if draw < 0.35:
        return _free(f"Does {question(query.kind, query.colour)}?", "Yes" if spans else "No", spans)
    if draw < 0.6:
        count = _NUMBERS[min(len(spans), len(_NUMBERS) - 1)]
        asked = f"How many times does {question(query.kind, query.colour)}?"
        return _free(asked, count, spans)
    if draw < 0.8 and len({kind for kind, _ in coloured}) == len(coloured) > 0:
        kind, colour = coloured[int(rng.integers(len(coloured)))]
        return _free(f"What colour is the {kind}?", str(colour).capitalize(), ())
    return _at(events, rng)


def _at(events: Sequence[Seen], rng: Rng) -> Question:
    """What happens in the middle of an event that has the moment to itself, else of any."""
    if not events:
        return _free("What happens in the video?", "Nothing", ())
    alone = [e for e in events if not any(o is not e and _meet(e, o) for o in events)]
    pool = alone or list(events)
    seen = pool[int(rng.integers(len(pool)))]
    t_s = float(rng.uniform(seen.start_s + 0.3, max(seen.end_s - 0.3, seen.start_s + 0.4)))
    answer = canonical(seen.kind, seen.colour)
    span = [(seen.start_s, seen.end_s)]
    return _free(f"What happens at {t_s:.1f} seconds?", answer[:1].upper() + answer[1:], span)


def _meet(a: Seen, b: Seen) -> bool:
    return a.start_s < b.end_s and b.start_s < a.end_s


def _free(asked: str, answer: str, spans: Times) -> Question:
    return Question("ask", ASK.format(question=asked), ask_reply(answer, spans), spans)
