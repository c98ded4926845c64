"""A reply to a question in; the answer and the spans it rests on out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vidqa.replies.json_pairs import json_pairs
from vidqa.replies.pairs import Pair, range_pairs
from vidqa.replies.spans import spans_within
from vidqa.replies.tags import last_tag, without_tags, without_thinking
from vidqa.results import Outcome
from vidqa.timeline import Span

AnswerKind = Literal["tag", "json", "words", "empty"]

_TAIL = re.compile(
    r"^(?P<answer>.*\S)\s*,\s*in\s(?P<times>[0-9][-0-9.,\s]*)\sseconds\.?$", re.DOTALL
)
_UNSURE = re.compile(
    r"\b(?:can(?:not|\snot|['’]t)|unable\sto|impossible\sto|not\s(?:able|possible)\sto)\s"
    r"(?:\w+\s)?(?:determine|tell|say|answer|know|see)|\bdo(?:\snot|n['’]t)\sknow\b|\bunclear\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedAnswer:
    """``found`` has an answer; ``uncertain`` has none, or the model's words that it cannot say."""

    outcome: Outcome
    answer: str
    evidence: tuple[Span, ...]
    """Spans the model cited, inside the window, in its order."""
    parse_kind: AnswerKind
    raw: str


def parse_answer(reply: str, *, window: Span) -> ParsedAnswer:
    """The answer in ``reply`` without thinking and markup, and the spans cited for it.

    Spans come from a ``<glue>`` tag, an ``evidence`` list in JSON, a tail such as ``, in 3.0 - 7.5
    seconds``, or ranges in the words that bear a unit; a score of 3-2 is no evidence.
    """
    kind, answer, pairs = _read(without_thinking(reply))
    outcome: Outcome = "found"
    if not answer:
        kind, outcome = "empty", "uncertain"
    elif _UNSURE.search(answer):
        outcome = "uncertain"
    return ParsedAnswer(
        outcome=outcome,
        answer=answer,
        evidence=spans_within(pairs, window),
        parse_kind=kind,
        raw=reply,
    )


def _read(said: str) -> tuple[AnswerKind, str, list[Pair]]:
    tagged, glue = last_tag("answer", said), last_tag("glue", said)
    value = _json_object(said if tagged is None else tagged)
    if value is not None:
        return (
            "json",
            _plain(_words(value["answer"])),
            json_pairs(json.dumps(value.get("evidence"))),
        )
    words = without_tags(said if tagged is None else tagged)
    answer, pairs = _peel(words)
    kind: AnswerKind = "words" if tagged is None else "tag"
    return kind, _plain(answer), pairs if glue is None else json_pairs(glue) or range_pairs(glue)


def _json_object(text: str) -> Mapping[str, object] | None:
    """The object with an ``answer`` in it, if that is what the reply is."""
    bare = without_tags(text)
    if not bare.startswith("{"):
        return None
    try:
        value = json.loads(bare)
    except ValueError:
        return None  # cut off or not JSON after all: then it is words
    except RecursionError:
        return None
    return value if isinstance(value, dict) and "answer" in value else None


def _words(value: object) -> str:
    """A JSON answer as text; ``null`` is none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _peel(words: str) -> tuple[str, list[Pair]]:
    tail = _TAIL.match(words)
    if tail and (pairs := range_pairs(tail["times"])):
        return tail["answer"], pairs
    return words, range_pairs(words, only_timed=True)


def _plain(answer: str) -> str:
    """One sentence loses its full stop, so that "Red." and "red" differ in nothing but case."""
    bare = answer.strip()
    return bare[:-1].rstrip() if bare.endswith(".") and not re.search(r"[.!?]\s", bare) else bare
