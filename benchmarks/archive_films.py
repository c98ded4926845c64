"""An archive's worth of short drawn videos, and queries that are true of exactly one of them.

In: how many videos and queries, a seed. Out: MP4 files and :class:`Sought`, the queries with the
video and the seconds that are right. Queries are pairs of kind and colour in their canonical words
(``person in red opens door``; kinds without a colour without one), of those that nano may be
trained on. Each is given a video of its own, drawn again until it happens in it exactly once; in
all other videos it is barred, so that no second one is right. The other events are left to chance.
Every third query's video is also half quiet: it shows nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from vidqa_nano.directing import scene_for
from vidqa_nano.film import FAST, write_film
from vidqa_nano.phrases import COLOURS_OF, KINDS, NOVEL_PAIRS, canonical
from vidqa_nano.world import Event, Lens, Rng, Scene, Shot, Story

SIDE, FPS = 224, 5
SECONDS = (24.0, 48.0)
_SALT = 0xA2C417E
_TRIES = 20_000
Pair = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Sought:
    """A query and the only place where it is right."""

    query: str
    video: str
    """Name of the file."""
    start_s: float
    end_s: float


def draw_archive(folder: Path, videos: int, queries: int, seed: int, jobs: int) -> list[Sought]:
    """Files ``00000.mp4`` and so on in ``folder``, drawn where they are not there yet."""
    told = folder / f"sought-{videos}-{queries}-{seed}.json"
    if told.exists():
        return [Sought(**each) for each in json.loads(told.read_text(encoding="utf-8"))]
    folder.mkdir(parents=True, exist_ok=True)
    wanted = _wanted(queries, seed)
    draw = partial(_draw, folder=folder, wanted=wanted, seed=seed)
    with ProcessPoolExecutor(jobs) as pool:
        found = [each for each in pool.map(draw, range(videos), chunksize=4) if each is not None]
    told.write_text(json.dumps([asdict(each) for each in found]), encoding="utf-8")
    return found


def _wanted(queries: int, seed: int) -> list[Pair]:
    pairs: list[Pair] = [
        (kind.name, colour)
        for kind in KINDS
        for colour in COLOURS_OF.get(kind.actor, (None,))
        if (kind.name, colour) not in NOVEL_PAIRS
    ]
    if not 1 <= queries <= len(pairs):
        raise ValueError(f"{queries} queries: from 1 to {len(pairs)}")
    order = np.random.default_rng([_SALT, seed]).permutation(len(pairs))
    return [pairs[k] for k in order[:queries]]


def _draw(number: int, *, folder: Path, wanted: Sequence[Pair], seed: int) -> Sought | None:
    """One video; what is sought in it, if anything."""
    rng = np.random.default_rng([_SALT, seed, number])
    mine = wanted[number] if number < len(wanted) else None
    scene, event = _scene(rng, mine, wanted, events=1 if number % 3 == 0 else 3)
    path = folder / f"{number:05d}.mp4"
    lens = Lens(pan=0.03, light=0.04, seed=number)
    write_film(
        Story((Shot(0.0, scene),), scene.duration_s, lens),
        path,
        side=SIDE,
        fps=FPS,
        quality=26,
        effort=FAST,
    )
    if mine is None or event is None:
        return None
    words = canonical(next(kind for kind in KINDS if kind.name == mine[0]), mine[1])
    return Sought(words, path.name, event.start_s, event.end_s)


def _scene(
    rng: Rng, mine: Pair | None, wanted: Sequence[Pair], events: int
) -> tuple[Scene, Event | None]:
    """A scene in which ``mine`` happens once, and nothing else that is wanted."""
    barred = frozenset({*wanted, *NOVEL_PAIRS} - {mine})
    for _ in range(_TRIES):
        seconds = round(float(rng.uniform(*SECONDS)), 1)
        scene = scene_for(rng, seconds, events, barred=barred)
        hits = [e for e in scene.events if _pair(e) in wanted]
        if [_pair(e) for e in hits] == ([mine] if mine else []):
            return scene, hits[0] if hits else None
    raise ValueError(f"no scene in {_TRIES} shows {mine} exactly once")


def _pair(event: Event) -> Pair:
    kind = next(kind for kind in KINDS if kind.name == event.kind)
    return event.kind, event.colour if kind.actor in COLOURS_OF else None
