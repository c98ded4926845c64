"""``python -m vidqa_nano.needle FILE.mp4``: hours of video in which a few things happen once.

Writes the film and, beside it, ``FILE.json``: every needle with its phrase and its span in seconds
from the first frame, and as many phrases of things that never happen; and the same as
``FILE.jsonl``, labelled questions as ``vidqa calibrate`` reads them. Between the needles there
are quiet scenes and harmless events of other kinds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidqa_nano.caption import event_phrase
from vidqa_nano.directing import scene_for
from vidqa_nano.film import FAST, write_film
from vidqa_nano.phrases import BY_NAME, COLOURS_OF, KINDS, NOVEL_PAIRS, canonical
from vidqa_nano.world import Event, Lens, Rng, Scene, Shot, Story, rng_for, tenth

SIDE, FPS = 224, 5
_SHOT_S = (20.0, 60.0)
_QUIET = 0.5
"""Share of the other shots in which nothing happens."""
MOST = len(KINDS) // 3


@dataclass(frozen=True, slots=True)
class Haystack:
    """A long story, the events that happen once in it, the phrases of what never happens."""

    story: Story
    needles: Sequence[Event]
    absent: Sequence[str]


def haystack(seconds: float, needles: int, seed: int) -> Haystack:
    """``seconds`` of story with ``needles`` kinds of event that happen exactly once."""
    if not 1 <= needles <= MOST or seconds < 2 * needles * _SHOT_S[1]:
        raise ValueError(f"{needles} needles: from 1 to {MOST}, one per two minutes at most")
    rng = rng_for("needle", seed)
    names = [KINDS[i].name for i in rng.permutation(len(KINDS))]
    wanted, never = names[:needles], names[needles : 2 * needles]
    starts = _starts(rng, seconds)
    places = sorted(rng.permutation(len(starts))[:needles].tolist())
    at = dict(zip(places, wanted, strict=True))
    kept_out = frozenset({*wanted, *never})
    shots = [
        Shot(start_s, _scene(rng, tenth(end_s - start_s), at.get(n), kept_out))
        for n, (start_s, end_s) in enumerate(zip(starts, [*starts[1:], seconds], strict=True))
    ]
    story = Story(tuple(shots), seconds, Lens(pan=0.03, light=0.04, seed=seed))
    return Haystack(
        story,
        [event for event in story.events if event.kind in wanted],
        [_phrase(rng, name) for name in never],
    )


def _starts(rng: Rng, seconds: float) -> list[float]:
    starts = [0.0]
    while seconds - starts[-1] > 2 * _SHOT_S[1]:
        starts.append(tenth(starts[-1] + rng.uniform(*_SHOT_S)))
    return starts


def _scene(rng: Rng, seconds: float, needle: str | None, kept_out: frozenset[str]) -> Scene:
    """A scene with one event of kind ``needle`` and no other of the kinds to be kept out."""
    barred = frozenset(
        (name, colour)
        for name in kept_out - {needle}
        for colour in (None, *COLOURS_OF.get(BY_NAME[name].actor, ()))
    )
    expected = [needle] if needle else []
    while True:
        quiet = needle is None and rng.random() < _QUIET
        events = 0 if quiet else int(rng.integers(1, 4))
        scene = scene_for(rng, seconds, events, barred=barred | NOVEL_PAIRS)
        if [event.kind for event in scene.events if event.kind in kept_out] == expected:
            return scene


def _phrase(rng: Rng, name: str) -> str:
    kind = BY_NAME[name]
    colours = (None, *COLOURS_OF.get(kind.actor, ()))
    return canonical(kind, colours[int(rng.integers(len(colours)))])


def truth(hay: Haystack) -> dict[str, Any]:
    """What is written beside the film."""
    needles = [
        {"phrase": event_phrase(event), "start": event.start_s, "end": event.end_s}
        for event in hay.needles
    ]
    return {"duration": hay.story.duration_s, "needles": needles, "absent": list(hay.absent)}


def labels(hay: Haystack, film: Path) -> str:
    """The same as labelled questions, one a line."""
    told = truth(hay)
    spans = [(each["phrase"], [[each["start"], each["end"]]]) for each in told["needles"]]
    asked = [*spans, *((phrase, []) for phrase in told["absent"])]
    lines = ({"video": film.name, "query": query, "spans": at} for query, at in asked)
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def main(argv: list[str] | None = None, clock: Callable[[], float] = time.perf_counter) -> int:
    """Write all files and say how fast that was; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.needle", description=__doc__)
    parser.add_argument("file", type=Path, help="an .mp4")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--needles", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    start_s = clock()
    hay = haystack(tenth(3600 * args.hours), args.needles, args.seed)
    write_film(hay.story, args.file, side=SIDE, fps=FPS, quality=26, effort=FAST)
    text = json.dumps(truth(hay), indent=2)
    args.file.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    args.file.with_suffix(".jsonl").write_text(labels(hay, args.file), encoding="utf-8")
    took_s = clock() - start_s
    speed = hay.story.duration_s / took_s
    sys.stdout.write(f"{speed:.0f} times faster than real time ({took_s:.1f} s)\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
