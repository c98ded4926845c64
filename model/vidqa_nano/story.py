"""Makes whole videos: how long, how many shots, how much happens, how the camera behaves.

In: a random generator. Out: a :class:`vidqa_nano.world.Story`. Two thirds are short and in one
shot, the others long and in up to four; a tenth of a second is the grain of all times.
"""

from __future__ import annotations

from typing import Literal

from vidqa_nano.acting import Pairs
from vidqa_nano.directing import scene_for
from vidqa_nano.phrases import NOVEL_PAIRS
from vidqa_nano.world import Lens, Rng, Shot, Story, rng_for, tenth

Lengths = Literal["short", "long"]
SECONDS: dict[Lengths, tuple[float, float]] = {"short": (8.0, 32.0), "long": (60.0, 120.0)}
SHORT_SHARE = 0.65
_SHORT_S, _LONG_S = (5.0, 32.0), (32.0, 120.0)
_SHORTEST_SHOT_S = 9.0
MOST_EVENTS = 8


def story_of(split: str, index: int, lengths: Lengths | None = None) -> Story:
    """Clip ``index`` of a split; ``lengths`` asks for ``short`` or ``long`` ones only."""
    rng = rng_for(split, index)
    barred: Pairs = frozenset() if split == "novel" else NOVEL_PAIRS
    while True:
        story = story_for(rng, lengths, barred)
        if 1 <= len(story.events) <= MOST_EVENTS and (split != "novel" or _is_novel(story)):
            return story


def _is_novel(story: Story) -> bool:
    return any((event.kind, event.colour) in NOVEL_PAIRS for event in story.events)


def story_for(rng: Rng, lengths: Lengths | None, barred: Pairs) -> Story:
    """A story without barred pairs of kind and colour."""
    short = lengths == "short" if lengths else rng.random() < SHORT_SHARE
    seconds = SECONDS[lengths] if lengths else (_SHORT_S if short else _LONG_S)
    duration_s = tenth(rng.uniform(*seconds))
    if short:
        most = min(max(round(duration_s / 3), 1), MOST_EVENTS)
        shots = [_shot(rng, 0.0, duration_s, int(rng.integers(1 + most // 3, most + 1)), barred)]
    else:
        shots = _shots(rng, duration_s, int(rng.integers(4, MOST_EVENTS + 1)), barred)
    return Story(tuple(shots), duration_s, lens_for(rng))


def _shots(rng: Rng, duration_s: float, events: int, barred: Pairs) -> list[Shot]:
    count = min(int(rng.integers(1, 5)), int(duration_s / _SHORTEST_SHOT_S), events)
    spare_s = duration_s - count * _SHORTEST_SHOT_S
    cuts = sorted(float(cut) for cut in rng.uniform(0, spare_s, size=count - 1))
    starts = [0.0, *(tenth(cut + n * _SHORTEST_SHOT_S) for n, cut in enumerate(cuts, 1))]
    ends = [*starts[1:], duration_s]
    shares = [len(part) for part in _split(range(events), count)]
    return [
        _shot(rng, start, tenth(end - start), share, barred)
        for start, end, share in zip(starts, ends, shares, strict=True)
    ]


def _split(items: range, count: int) -> list[range]:
    return [items[n::count] for n in range(count)]


def _shot(rng: Rng, start_s: float, seconds: float, events: int, barred: Pairs) -> Shot:
    twins = rng.random() < 0.35
    return Shot(start_s, scene_for(rng, seconds, events, twins=bool(twins), barred=barred))


def lens_for(rng: Rng) -> Lens:
    """A third of the cameras pan, half are noisy, some show a number in a corner."""
    pan, light, noise, counter = rng.random(4) < (0.3, 0.4, 0.5, 0.2)
    return Lens(
        pan=float(rng.uniform(0.02, 0.06)) if pan else 0.0,
        pan_period_s=float(rng.uniform(30, 60)),
        light=float(rng.uniform(0.03, 0.12)) if light else 0.0,
        light_period_s=float(rng.uniform(15, 60)),
        noise=float(rng.uniform(1.0, 5.0)) if noise else 0.0,
        counter=bool(counter),
        seed=int(rng.integers(2**31)),
    )
