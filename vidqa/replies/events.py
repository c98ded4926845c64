"""A reply that lists events in; each with its span and its words out. Never a guess.

Read are JSON objects with a start, an end and a text (fenced, cut off, in any order of keys), and
lines that begin with a range of times: ``3.0 - 7.5 seconds, person opens door.``
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vidqa.replies.json_pairs import json_pairs
from vidqa.replies.pairs import range_pairs
from vidqa.replies.tags import without_tags, without_thinking
from vidqa.timeline import Span

_OBJECT = re.compile(r"\{[^{}]*\}")
_WORDS = re.compile(
    r"""["'](?:description|event|caption|text|label|activity|sentence|title)["']\s*:\s*
        (?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""",
    re.IGNORECASE | re.VERBOSE,
)
_RANGE = re.compile(
    r"""^[\s\-*\d.)\[(]{0,8}?
        (?P<times>[0-9][0-9:.]*\s*(?:s|secs?|seconds?)?\s*(?:-|–|—|to|until)\s*
                  [0-9][0-9:.]*)\s*(?:s\b|secs?\b|seconds?\b)?
        [\])]*\s*[,:;–—-]?\s*(?P<words>\S.*)$""",
    re.IGNORECASE | re.VERBOSE,
)
_NOTHING = re.compile(r"nothing\b.*|no\s+(?:events?|activity)\b.*|\[\s*\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SaidEvent:
    """An event as the model said it, on the model's timeline."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class ParsedEvents:
    """Events by start; ``quiet`` when the reply says that nothing happens."""

    events: tuple[SaidEvent, ...]
    quiet: bool


def parse_events(reply: str, *, window: Span) -> ParsedEvents:
    """Every event with a span inside ``window`` and words; spans are cut to the window."""
    said = without_tags(without_thinking(reply))
    read = list(_in_json(said)) or list(_in_lines(said))
    events = dict.fromkeys(
        SaidEvent(span, text)
        for start_s, end_s, text in read
        if (span := Span(*sorted((start_s, end_s))).clamp(window)).length_s > 0 and text
    )
    ordered = tuple(sorted(events, key=lambda event: event.span))
    return ParsedEvents(ordered, quiet=not read and bool(_NOTHING.fullmatch(said.strip())))


def _in_json(text: str) -> Iterator[tuple[float, float, str]]:
    for match in _OBJECT.finditer(text):
        words, pairs = _WORDS.search(match[0]), json_pairs(match[0])
        if words and pairs:
            yield (*pairs[0], _plain(words[1] or words[2] or ""))


def _in_lines(text: str) -> Iterator[tuple[float, float, str]]:
    for line in text.splitlines():
        match = _RANGE.match(line)
        if match and (pairs := range_pairs(match["times"])):
            yield (*pairs[0], _plain(match["words"]))


def _plain(text: str) -> str:
    bare = " ".join(re.sub(r"""\\(["'\\/])""", r"\1", text).split())
    return bare[:-1].rstrip() if bare.endswith(".") else bare
