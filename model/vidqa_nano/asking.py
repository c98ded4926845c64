"""Free questions with short answers: what, when, which colour, how many, yes or no, A to D.

In: what a clip shows (:class:`vidqa_nano.questions.Sides`) and who is in it. Out: questions of task
``ask``. Every answer can be read off the events and the actors; a kind of question that the clip
has nothing for gives way to a yes-or-no question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from vidqa_nano.phrases import COLOURS_OF, canonical, question
from vidqa_nano.queries import Query, Seen
from vidqa_nano.questions import (
    ABSENT_SHARE,
    ASK_SHARE,
    DESCRIBE_SHARE,
    VERIFY_SHARE,
    Mark,
    Question,
    Sides,
    describe,
    ground,
    verify,
)
from vidqa_nano.wording import ASK, Times, ask_reply
from vidqa_nano.world import Rng

Cast = Sequence[tuple[str, str | None]]
"""(kind, colour) of every actor that the clip shows."""
Pose = Callable[[Sequence[Seen], Cast, Rng, int], list[Question]]
"""Events, cast, generator, number of questions: what is asked of a clip."""
NUMBERS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six")
LETTERS = "ABCD"
_HALF = 0.5


def pose(events: Sequence[Seen], cast: Cast, rng: Rng, count: int) -> list[Question]:
    """``count`` questions about a clip, and for some clips a list of its events."""
    sides = Sides.of(events, rng)
    asked: list[Question] = []
    while len(asked) < count:
        task = rng.random()
        if task < VERIFY_SHARE:
            asked.append(verify(sides.draw(_HALF), events, rng))
        elif task < VERIFY_SHARE + ASK_SHARE:
            asked.append(ask(sides, cast, rng))
        else:
            asked.append(ground(sides.draw(ABSENT_SHARE), events, rng))
    whole = all(event.whole for event in events)
    return [*asked, describe(events)] if whole and rng.random() < DESCRIBE_SHARE else asked


def pose_when(events: Sequence[Seen], cast: Cast, rng: Rng, count: int) -> list[Question]:
    """``count`` questions of when something happens, as :func:`pose` asks them; ``cast`` is not
    looked at."""
    sides = Sides.of(events, rng)
    return [ground(sides.draw(ABSENT_SHARE), events, rng) for _ in range(count)]


def ask(sides: Sides, cast: Cast, rng: Rng) -> Question:
    """One free question of a kind drawn by its share."""
    names = list(ASKED)
    name = names[int(rng.choice(len(names), p=[share for share, _ in ASKED.values()]))]
    return ASKED[name][1](sides, cast, rng) or yes_or_no(sides, cast, rng)


def yes_or_no(sides: Sides, cast: Cast, rng: Rng) -> Question:
    """Does it happen?  As often yes as no."""
    return asked_whether(sides.draw(_HALF), sides.events)


def asked_whether(query: Query, events: Sequence[Seen]) -> Question:
    """Does it happen?"""
    spans = query.spans(events)
    asked = f"Does {question(query.kind, query.colour)}?"
    return _free(asked, "Yes" if spans else "No", spans, _last_named(asked, spans))


def _count(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    query = _counted(sides, rng)
    spans = query.spans(sides.events)
    asked = f"How many times does {question(query.kind, query.colour)}?"
    return _free(asked, _number(len(spans)), spans, _last_named(asked, spans))


def _counted(sides: Sides, rng: Rng) -> Query:
    """What is counted: more often than not something that happens several times."""
    repeated = sides.repeated() if rng.random() < 0.6 else None
    return repeated or sides.draw(0.2)


def _when(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    query = sides.draw(0.15)
    spans = query.spans(sides.events)
    times = ", ".join(f"{start:.1f} - {end:.1f}" for start, end in spans)
    answer = f"At {times} seconds" if spans else "Never"
    asked = f"When does {question(query.kind, query.colour)}?"
    marks = _last_named(asked, spans)
    return Question("ask", ASK.format(question=asked), f"{answer}.", spans, marks)


def _colour(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    coloured = only_ones(cast)
    if not coloured:
        return None
    kind, colour = coloured[int(rng.integers(len(coloured)))]
    return _free(colour_question(kind), colour.capitalize(), ())


def only_ones(cast: Cast) -> list[tuple[str, str]]:
    """Kinds of actor that show one colour in all the clip."""
    shown: dict[str, set[str]] = {}
    for kind, colour in cast:
        if colour is not None:
            shown.setdefault(kind, set()).add(colour)
    return [(kind, min(colours)) for kind, colours in shown.items() if len(colours) == 1]


def colour_question(kind: str) -> str:
    """``What colour is the ball?``; of a person it is the shirt's."""
    what = "person's shirt" if kind == "person" else kind
    return f"What colour is the {what}?"


def _at(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    """What happens in the middle of an event that has the moment to itself."""
    if not sides.events:
        return _free("What happens in the video?", "Nothing", ())
    found = alone(sides.events)
    if not found:
        return None
    seen = found[int(rng.integers(len(found)))]
    asked = f"What happens at {moment_of(seen, rng):.1f} seconds?"
    return _free(asked, _capital(_named(seen)), [(seen.start_s, seen.end_s)])


def alone(events: Sequence[Seen]) -> list[Seen]:
    """Whole events during which nothing else happens."""
    return [
        e
        for e in events
        if e.whole
        and not any(o is not e and o.start_s < e.end_s and e.start_s < o.end_s for o in events)
    ]


def moment_of(seen: Seen, rng: Rng) -> float:
    """A moment well inside an event, in seconds."""
    return float(rng.uniform(seen.start_s + 0.3, max(seen.end_s - 0.3, seen.start_s + 0.4)))


def _order(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    """Does one happen before the other?"""
    pair = _in_order(sides, rng, 2)
    if len(pair) < 2:
        return None
    first, second = pair if rng.random() < _HALF else pair[::-1]
    opening = f"Does {question(first.kind, first.colour)}"
    asked = f"{opening} before {_named(second)}?"
    marks = (
        Mark(len(opening), _span(first), right=first is pair[0]),
        Mark(len(asked) - 1, _span(second), right=second is pair[0]),
    )
    return _free(asked, "Yes" if first is pair[0] else "No", (), marks)


def _first(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    """Which of two happens first?"""
    pair = _in_order(sides, rng, 2)
    if len(pair) < 2:
        return None
    one, other = pair if rng.random() < _HALF else pair[::-1]
    opening, said = f"What happens first, {_named(one)}", len("What happens first, ") + 1
    asked = f"{opening} or {_named(other)}?"
    marks = (
        Mark(len(opening), _span(one), right=one is pair[0], said=said),
        Mark(
            len(asked) - 1,
            _span(other),
            right=other is pair[0],
            said=len(opening) + len(" or ") + 1,
        ),
    )
    return _free(asked, _capital(_named(pair[0])), (), marks)


def _in_order(sides: Sides, rng: Rng, count: int) -> list[Seen]:
    """Up to ``count`` whole events that happen once, in time order, none overlapping the next."""
    once = [
        e for e in sides.events if e.whole and len(Query(e.kind, e.colour).spans(sides.events)) == 1
    ]
    drawn = [once[i] for i in rng.permutation(len(once))]
    chosen: list[Seen] = []
    for event in drawn:
        if all(o.end_s < event.start_s or event.end_s < o.start_s for o in chosen):
            chosen.append(event)
    return sorted(chosen[:count], key=lambda event: event.start_s)


def _choice(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    """One of four: what happens at a moment, what happens at all, which colour, how many, first."""
    kinds = (_choice_at, _choice_what, _choice_colour, _choice_count, _choice_first)
    return kinds[int(rng.integers(len(kinds)))](sides, cast, rng)


def _choice_at(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    found = alone(sides.events)
    if not found:
        return None
    seen = found[int(rng.integers(len(found)))]
    others = sorted({_named(e) for e in sides.events} - {_named(seen)})
    near = [canonical(q.kind, q.colour) for q in sides.near(Query(seen.kind, seen.colour), 3)]
    asked = f"What happens at {moment_of(seen, rng):.1f} seconds?"
    wrong = [*others[: int(rng.integers(0, 3))], *near]
    return choice(asked, _named(seen), wrong, rng, times=_times(sides, near))


def _choice_what(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    if not sides.present:
        return None
    query = sides.draw(0.0)
    wrong = [canonical(q.kind, q.colour) for q in sides.near(query, 3)]
    right = canonical(query.kind, query.colour)
    times = _times(sides, wrong) | {right: query.spans(sides.events)}
    return choice("Which of these happens in the video?", right, wrong, rng, times=times)


def _choice_colour(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    coloured = only_ones(cast)
    if not coloured:
        return None
    kind, colour = coloured[int(rng.integers(len(coloured)))]
    wrong = [c for c in COLOURS_OF[kind] if c != colour]
    return choice(colour_question(kind), colour, wrong, rng)


def _choice_count(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    query = _counted(sides, rng)
    spans = query.spans(sides.events)
    count = min(len(spans), len(NUMBERS) - 1)
    wrong = [
        NUMBERS[i].lower() for i in range(max(0, count - 2), count + 4) if i < 6 and i != count
    ]
    asked = f"How many times does {question(query.kind, query.colour)}?"
    return choice(asked, _number(count).lower(), wrong, rng, marks=_last_named(asked, spans))


def _choice_first(sides: Sides, cast: Cast, rng: Rng) -> Question | None:
    found = _in_order(sides, rng, 4)
    if len(found) < 2:
        return None
    names = [_named(e) for e in found]
    return choice("Which of these happens first?", names[0], names[1:], rng, times=_times(sides))


def choice(
    asked: str,
    right: str,
    wrong: Sequence[str],
    rng: Rng,
    *,
    times: Mapping[str, Times] = MappingProxyType({}),
    marks: Sequence[Mark] = (),
) -> Question | None:
    """A question with up to four lettered answers; None without a wrong one.

    ``times`` says when each answer that names an event happens, ``marks`` what ``asked`` names.
    """
    others = [w for w in dict.fromkeys(wrong) if w != right]
    others = [others[i] for i in rng.permutation(len(others))[:3]]
    if not others:
        return None
    options = [*others]
    place = int(rng.integers(len(options) + 1))
    options.insert(place, right)
    text, found = asked, list(marks)
    for i, option in enumerate(options):
        letter = len(text) + len("\nA")
        text += f"\n{LETTERS[i]}. {option}"
        found.append(Mark(len(text), times.get(option), right=i == place, said=letter))
    return _free(text, LETTERS[place], (), found)


Asked = Callable[[Sides, Cast, Rng], Question | None]
ASKED: Mapping[str, tuple[float, Asked]] = {
    "whether": (0.12, yes_or_no),
    "count": (0.14, _count),
    "when": (0.02, _when),
    "colour": (0.12, _colour),
    "at": (0.1, _at),
    "order": (0.12, _order),
    "first": (0.08, _first),
    "choice": (0.3, _choice),
}
"""Share and maker of each kind of free question."""


def every_answer_word() -> list[str]:
    """Words of free questions and answers, for the tokenizer."""
    texts = [*NUMBERS, *(n.lower() for n in NUMBERS), "Yes", "No", "Nothing", "Never", "At"]
    texts += ["How many times does", "When does", "What happens at seconds?", "Does", "?", "in"]
    texts += ["Which of these happens first?", "Which of these happens in the video?", "before"]
    texts += ["What happens first, or", "What happens in the video?", "At seconds."]
    texts += [colour_question(kind) for kind in COLOURS_OF]
    texts += [f"\n{letter}. {letter}." for letter in LETTERS]
    colours = {c for colours in COLOURS_OF.values() for c in colours}
    return [*texts, *(f"{c.capitalize()} {c}" for c in sorted(colours))]


def _number(count: int) -> str:
    return NUMBERS[min(count, len(NUMBERS) - 1)]


def _named(seen: Seen) -> str:
    return canonical(seen.kind, seen.colour)


def _span(seen: Seen) -> Times:
    return [(seen.start_s, seen.end_s)]


def _last_named(asked: str, spans: Times) -> tuple[Mark, ...]:
    """The mark of the phrase before the question mark."""
    return (Mark(len(asked) - 1, spans),)


def _times(sides: Sides, never: Sequence[str] = ()) -> dict[str, Times]:
    """When each event of a clip happens, by its name, and that others do not."""
    found: dict[str, Times] = {name: [] for name in never}
    for event in sides.events:
        found[_named(event)] = Query(event.kind, event.colour).spans(sides.events)
    return found


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _free(asked: str, answer: str, spans: Times, marks: Sequence[Mark] = ()) -> Question:
    text = ASK.format(question=asked)
    return Question("ask", text, ask_reply(answer, spans), spans, tuple(marks))
