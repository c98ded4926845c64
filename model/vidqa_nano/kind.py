"""What one kind of event is; the kinds themselves stand in the tables beside this file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of event: who does it, how long it takes, how it is asked for."""

    name: str
    actor: str
    seconds: tuple[float, float]
    """Shortest and longest duration that is drawn."""
    patterns: tuple[str, ...]
    """Phrasings, the canonical one first; see :func:`vidqa_nano.phrases.names` for their holes."""
    question: str
    """What follows "Does ..." and "How many times does ...", as in ``a person open the door``."""


def kind(name: str, shortest_s: float, longest_s: float, question: str, *patterns: str) -> Kind:
    """A kind whose actor is the first word of its name."""
    actor = name.split("_", maxsplit=1)[0]
    seconds = (shortest_s, longest_s)
    return Kind(name=name, actor=actor, seconds=seconds, patterns=patterns, question=question)
