"""``python -m vidqa_nano.example FOLDER``: draws the shipped examples and writes what is in them.

Three films: ``door`` (a person opens a door exactly once), ``car`` (a car does one thing of its
own while a car of another colour stands or drives by) and ``count`` (one thing happens exactly
three times). Each is the first story of the example split, on which nothing is ever trained, that
has what is asked.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vidqa_nano.caption import event_phrase
from vidqa_nano.film import write_film
from vidqa_nano.story import story_of
from vidqa_nano.world import Story

_SECONDS = (17.0, 24.0)
_FEWEST_KINDS = 4


def example_story(name: str) -> Story:
    """The story of an example of this name."""
    stories = (story_of("example", n, "short") for n in itertools.count())
    return next(story for story in stories if _is_rich(story) and SUITS[name](story))


def _is_rich(story: Story) -> bool:
    """Long enough, much going on, and no noise, which would make the file large."""
    shortest, longest = _SECONDS
    lasts = shortest <= story.duration_s <= longest
    return lasts and not story.lens.noise and len(_kinds(story)) >= _FEWEST_KINDS


def _kinds(story: Story) -> Counter[str]:
    return Counter(event.kind for event in story.events)


def _has_a_door(story: Story) -> bool:
    return _kinds(story)["person_opens_door"] == 1


def _has_two_cars(story: Story) -> bool:
    cars = [actor for actor in story.actors if actor.kind == "car"]
    kinds = _kinds(story)
    return len(cars) == 2 and kinds["car_drives_left"] + kinds["car_drives_right"] == 1


def _has_three(story: Story) -> bool:
    thrice = {kind for kind, count in _kinds(story).items() if count == 3}
    told = Counter(event_phrase(event) for event in story.events if event.kind in thrice)
    return 3 in told.values()


SUITS: Mapping[str, Callable[[Story], bool]] = {
    "door": _has_a_door,
    "car": _has_two_cars,
    "count": _has_three,
}


def truth(story: Story) -> dict[str, Any]:
    """Every event with the phrase that asks for it, in seconds from the first frame."""
    return {
        "events": [
            {"phrase": event_phrase(event), "start": event.start_s, "end": event.end_s}
            for event in story.events
        ]
    }


def main(argv: list[str] | None = None) -> int:
    """Write the films and their truths; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.example", description=__doc__)
    parser.add_argument("folder", type=Path, help="where door.mp4, door.json and the others go")
    folder: Path = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in SUITS:
        story = example_story(name)
        write_film(story, folder / f"{name}.mp4")
        text = json.dumps(truth(story), indent=2)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
