"""Texts about a clip, to be found by: one that is true and others that are nearly so.

In: the events that a clip shows. Out: :class:`Told` texts. The true one names all events in order
or one to three of them; the false ones differ in one event's colour, direction or action, in one
event put in place of another, or in the order of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidqa_nano.phrases import canonical
from vidqa_nano.queries import TRAINED, Query, Seen, confusions, happening
from vidqa_nano.questions import Question, say
from vidqa_nano.wording import EMBED_VIDEO, MOST_LISTED
from vidqa_nano.world import Rng

EMBED = Question("embed", EMBED_VIDEO, "", ())
JOINT = ", then "
FALSE_TEXTS = 1
"""False texts beside each true one; the batch's and the queue's others are false as well."""


@dataclass(frozen=True, slots=True)
class Told:
    """A text and the (kind, colour) pairs it claims."""

    text: str
    claims: frozenset[tuple[str, str | None]]


def tell(events: Sequence[Seen], rng: Rng) -> list[Told]:
    """A true text and :data:`FALSE_TEXTS` false ones; none when there is nothing to tell."""
    whole = sorted((e for e in events if e.whole), key=lambda e: (e.start_s, e.end_s))
    if not whole:
        return []
    most = min(len(whole), MOST_LISTED)
    count = most if rng.random() < 0.5 else int(rng.integers(1, min(3, most) + 1))
    chosen = sorted(rng.permutation(len(whole))[:count].tolist())
    told = [Query(whole[i].kind, whole[i].colour) for i in chosen]
    plain = bool(rng.random() < 0.6)
    happens = happening(events)
    texts = [_text(told, plain, rng)]
    return texts + [_text(_twisted(told, happens, rng), plain, rng) for _ in range(FALSE_TEXTS)]


def caption_of(events: Sequence[Seen]) -> str:
    """All events in order: ``person opens door, then red ball bounces``."""
    ordered = sorted(events, key=lambda e: (e.start_s, e.end_s))
    return JOINT.join(canonical(e.kind, e.colour) for e in ordered)


def _text(told: Sequence[Query], plain: bool, rng: Rng) -> Told:
    words = [canonical(q.kind, q.colour) if plain else say(q, rng).rstrip(".") for q in told]
    claims = frozenset((q.kind.name, q.colour) for q in told)
    return Told(JOINT.join(words), claims)


def _twisted(told: Sequence[Query], happens: set[tuple[str, str | None]], rng: Rng) -> list[Query]:
    """The same with one event changed into one that does not happen."""
    place = int(rng.integers(len(told)))
    near = [q for queries in confusions(told[place]).values() for q in _one(queries, happens, rng)]
    while not near or rng.random() < 0.1:
        near = _one(TRAINED, happens, rng)
    return [*told[:place], near[int(rng.integers(len(near)))], *told[place + 1 :]]


def _one(queries: Sequence[Query], happens: set[tuple[str, str | None]], rng: Rng) -> list[Query]:
    """One of the queries that do not happen, or none."""
    false = [q for q in queries if (q.kind.name, q.colour) not in happens]
    return [false[int(rng.integers(len(false)))]] if false else []
