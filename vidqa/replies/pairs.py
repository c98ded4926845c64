"""Which two times of a text make a span. Pairs of seconds out, as written: maybe swapped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from vidqa.replies.times import Time, find_times

Pair = tuple[float, float]

_RANGE = re.compile(
    r"""[\s"'”)\]]*(?:-+>?|[–—−~→]|to|until|till|through)[\s"'“(\[]*""", re.IGNORECASE
)
_AND = re.compile(r"""[\s"']*and[\s"']*""", re.IGNORECASE)
_LIST = re.compile(r"""[\s,;|"'()\[\]]*(?:and)?[\s,;|"'()\[\]]*""", re.IGNORECASE)
_BEGINS = re.compile(r"\b(?:start|begin|from|at|onset)", re.IGNORECASE)
_ENDS = re.compile(r"\b(?:end|finish|stop|(?:lasts?|continues)\suntil)", re.IGNORECASE)
_ABOUT_TIME = re.compile(
    r"(?:[^A-Za-z]|\b(?:answer|and|at|event|from|in|interval|period|seconds?|secs?|segments?|spans?"
    r"|the|times?|timestamps?|window)\b)*",
    re.IGNORECASE,
)
_CUE_CHARS = 30
_SHORT_GAP = 60


def range_pairs(text: str, *, only_timed: bool = False) -> list[Pair]:
    """Times joined as ranges are, ``3 - 7``, ``3 to 7``, ``starts at 3 and ends at 7``; where there
    are none, ``3 and 7``.

    Ranges in one list share their unit, and if some have one, those without are no times ("2-3
    people at 4 - 9 s"). ``only_timed`` asks for a unit or a clock in every case.
    """
    times = find_times(text)
    pairs = list(_paired(times, lambda a, b: _is_range(text, a, b)))
    pairs = pairs or list(_paired(times, lambda a, b: _between(text, a, b, _AND)))
    chains = _chains(text, pairs)
    timed = [chain for chain in chains if any(a.scale or b.scale for a, b in chain)]
    kept = timed if timed or only_timed else chains
    return [_seconds(a, b) for chain in kept for a, b in chain]


def first_pair(text: str) -> list[Pair]:
    """The first two times where only list marks part them and no word speaks of anything else."""
    times = find_times(text)[:2]
    if len(times) < 2 or not _between(text, times[0], times[1], _LIST):
        return []
    told = all(time.scale for time in times) or _ABOUT_TIME.fullmatch(text)
    return [_seconds(*times)] if told else []


def _paired(times: list[Time], joined: Callable[[Time, Time], bool]) -> Iterator[tuple[Time, Time]]:
    """Neighbours that belong together, from the left, each time used once."""
    k = 0
    while k + 1 < len(times):
        if joined(times[k], times[k + 1]):
            yield times[k], times[k + 1]
            k += 1
        k += 1


def _is_range(text: str, a: Time, b: Time) -> bool:
    return _between(text, a, b, _RANGE) or _named(text, a, b)


def _named(text: str, a: Time, b: Time) -> bool:
    """``start: 3, end: 7``: words before the first say it begins, words between say it ends."""
    before = text[max(0, a.start - _CUE_CHARS) : a.start]
    gap = text[a.end : b.start]
    begins = bool(a.scale or _BEGINS.search(before))
    return begins and len(gap) <= _SHORT_GAP and bool(_ENDS.search(gap))


def _between(text: str, a: Time, b: Time, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.fullmatch(text, a.end, b.start))


def _chains(text: str, pairs: list[tuple[Time, Time]]) -> list[list[tuple[Time, Time]]]:
    """Pairs with nothing but list marks between them, together."""
    chains: list[list[tuple[Time, Time]]] = []
    for pair in pairs:
        if chains and _between(text, chains[-1][-1][1], pair[0], _LIST):
            chains[-1].append(pair)
        else:
            chains.append([pair])
    return chains


def _seconds(a: Time, b: Time) -> Pair:
    """A unit after the second time holds for both: ``2 to 3 minutes``."""
    return (a.seconds * b.scale if b.scale and not a.scale else a.seconds), b.seconds
