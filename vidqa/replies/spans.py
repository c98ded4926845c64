"""A grounding reply in; the spans it names, a plain no, or "unreadable" out. Never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vidqa.replies.json_pairs import is_empty_list, json_pairs
from vidqa.replies.pairs import Pair, first_pair, range_pairs
from vidqa.replies.tags import last_tag, without_tags, without_thinking
from vidqa.results import Outcome
from vidqa.timeline import Span

ParseKind = Literal[
    "json", "answer", "clock", "range", "pair", "absent", "outside", "contradiction", "unreadable"
]
"""What was recognised: a JSON value, an ``<answer>`` tag, a range of clock times, a range of
seconds, two bare times; a plain no; times of which none lies in the window; times *and* a no;
nothing."""

_NO = re.compile(
    r"""\b(?:do|does|did|is|are|was|were|has|have|can|could)(?:\s*not|n['’]t)\s(?:\w+\s){0,2}?
        (?:happen|occur|appear|take\splace|took\splace|exist|contain|show|depict|present|found|find
          |visible|seen|shown|mentioned|include|any|in\sthe\svideo)
      | \bnever\s(?:happen|occur|appear|take|show)
      | \b(?:cannot|can\snot)\s(?:be\s)?(?:find|found|seen|located|locate)
      | \bno\s(?:such|matching|relevant|corresponding)\b
      | \bno\s(?:event|moment|segment|part|scene|instance|occurrence|match)e?s?\b
      | \bthere\s(?:is|are|was|were)\sno\b
      | \b(?:absent|irrelevant)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_YES = re.compile(
    r"(?<!never\s)\b(?:happens|occurs|takes\splace|starts|begins|appears)\b", re.IGNORECASE
)
_ONLY_NO = re.compile(r"(?:no|none|nil|null|n/?a|nothing|never|not\s(?:found|present))\W*", re.I)
_ECHO = re.compile(r"""(?<!\w)'(?!\s)[^'\n]{1,300}'(?!\w)|"[^"\n]{1,300}"|“[^”\n]{1,300}”""")
_FRAMES = re.compile(
    r"""\bframes?\s(?:numbers?\s)?[0-9]+(?:\s?(?:to|and|through|until|[-–—])\s?(?:frame\s)?[0-9]+)?
        (?![.:0-9])""",
    re.IGNORECASE | re.VERBOSE,
)
_ONLY_TIMES = re.compile(r"(?:[^A-Za-z]|\b(?:to|and|from|between|until|s|secs?|seconds?)\b)*", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSpans:
    """``found`` has spans inside the window, in the model's order; the others have none."""

    outcome: Outcome
    spans: tuple[Span, ...]
    parse_kind: ParseKind
    raw: str
    """The reply, whole."""


def parse_spans(reply: str, *, window: Span) -> ParsedSpans:
    """The spans ``reply`` names, on the timeline that ``window`` is on (the model's).

    Read in this order: JSON, an ``<answer>`` tag, clock times, ranges of seconds, two bare times;
    thinking is never read. Swapped ends are put in order, spans are cut to the window, those
    outside it, empty or said twice are dropped. Nothing readable is ``uncertain``.
    """
    kind, pairs = _read(reply)
    spans = spans_within(pairs, window)
    if spans:
        return ParsedSpans(outcome="found", spans=spans, parse_kind=kind, raw=reply)
    if pairs:
        kind = "outside"
    outcome: Outcome = "not_found" if kind == "absent" else "uncertain"
    return ParsedSpans(outcome=outcome, spans=(), parse_kind=kind, raw=reply)


def format_spans(spans: Sequence[Pair]) -> str:
    """The grounding reply that nano is trained to give for these (start, end) seconds."""
    if not spans:
        return "The given query does not happen in the video."
    listed = ", ".join(f"{start:.1f} - {end:.1f}" for start, end in spans)
    return f"The given query happens in {listed} seconds."


def spans_within(pairs: Iterable[Pair], window: Span) -> tuple[Span, ...]:
    """Each pair in order, its ends sorted and cut to the window; empty ones and repeats dropped."""
    cut = (Span(*sorted(pair)).clamp(window) for pair in pairs)
    return tuple(dict.fromkeys(span for span in cut if span.length_s > 0))


def _read(reply: str) -> tuple[ParseKind, list[Pair]]:
    said = without_thinking(reply)
    answer = last_tag("answer", said)
    if pairs := json_pairs(said):
        return "json", pairs
    words = without_tags(said if answer is None else answer)
    if is_empty_list(words) or _ONLY_NO.fullmatch(words):
        return "absent", []
    kind, pairs = _in_words(words)
    if pairs and answer is not None:
        kind = "answer"
    return kind, pairs


def _in_words(words: str) -> tuple[ParseKind, list[Pair]]:
    words = _FRAMES.sub(" frames ", _ECHO.sub(_without_echo, words))  # a frame's number is no time
    denied = bool(_NO.search(words)) and not _YES.search(words)
    pairs = range_pairs(words)
    kind: ParseKind = "clock" if re.search(r"[0-9]:[0-9]", words) else "range"
    if not pairs and not re.search(r"[{\[]|frame", words, re.IGNORECASE):
        kind, pairs = "pair", first_pair(words)
    if pairs:
        return ("contradiction", []) if denied else (kind, pairs)
    return ("absent" if denied else "unreadable"), []


def _without_echo(quoted: re.Match[str]) -> str:
    """A quoted query may hold numbers; quoted times are the answer."""
    return quoted[0] if _ONLY_TIMES.fullmatch(quoted[0]) else " "
