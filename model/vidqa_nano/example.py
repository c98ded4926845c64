"""``python -m vidqa_nano.example``: draws examples/door.mp4 and writes down what happens in it.

The scene is the first of the example split (never trained on) in which a person opens a door
exactly once among other things that happen. It was fixed before there was a model to ask.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

from vidqa_nano.casting import scene_for
from vidqa_nano.film import write_film
from vidqa_nano.phrases import BY_NAME, canonical
from vidqa_nano.world import Scene, Shot, Story, rng_for

DURATION_S = 20.0
_FEWEST_KINDS = 5


def example_scene() -> Scene:
    """The scene of the shipped example."""
    scenes = (
        scene_for(rng_for("example", n), DURATION_S, setting="room") for n in itertools.count()
    )
    return next(scene for scene in scenes if _suits(scene))


def _suits(scene: Scene) -> bool:
    kinds = [event.kind for event in scene.events]
    return kinds.count("person_opens_door") == 1 and len(set(kinds)) >= _FEWEST_KINDS


def truth(scene: Scene) -> dict[str, Any]:
    """Every event with the phrase that asks for it, in seconds from the first frame."""
    return {
        "events": [
            {
                "phrase": canonical(BY_NAME[event.kind], event.colour),
                "start": event.start_s,
                "end": event.end_s,
            }
            for event in scene.events
        ]
    }


def main(argv: list[str] | None = None) -> int:
    """Write both files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.example", description=__doc__)
    parser.add_argument("folder", type=Path, help="where door.mp4 and door.json go")
    folder: Path = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    scene = example_scene()
    write_film(Story((Shot(0.0, scene),), DURATION_S), folder / "door.mp4")
    text = json.dumps(truth(scene), indent=2)
    (folder / "door.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
