"""``python -m vidqa_nano.sheet FILE``: every kind of event of the world on one picture.

Each tile shows one event of the first training story that has it alone or nearly so: just before
its start, in its first part, in its second, just after its end.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw

from vidqa_nano.clips import OVERSAMPLE, SIDE
from vidqa_nano.kind import Kind
from vidqa_nano.phrases import KINDS, canonical
from vidqa_nano.render import draw_frames
from vidqa_nano.story import story_of
from vidqa_nano.world import Event, Story

_COLUMNS, _GAP, _TEXT = 4, 6, 14
_STORIES = 3000


def sheet(kinds: Iterable[Kind], side: int, *, columns: int = _COLUMNS) -> Image.Image:
    """A picture of tiles of four frames each, ``side`` pixels wide and drawn as the model sees."""
    found = first_events({kind.name for kind in kinds})
    tiles = [_tile(kind, *found[kind.name], side) for kind in kinds if kind.name in found]
    width, height = tiles[0].width + _GAP, tiles[0].height + _GAP
    rows = -(-len(tiles) // columns)
    picture = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    for n, tile in enumerate(tiles):
        picture.paste(tile, (_GAP + n % columns * width, _GAP + n // columns * height))
    return picture


def first_events(names: set[str]) -> dict[str, tuple[Story, Event]]:
    """For each kind the event of the training stories with the least going on beside it."""
    best: dict[str, tuple[int, int, Story, Event]] = {}
    for index in range(_STORIES):
        story = story_of("train", index, "short")
        for event in story.events:
            if event.kind in names and event.start_s > 1:
                key = (_beside(event, story), index)
                if event.kind not in best or key < best[event.kind][:2]:
                    best[event.kind] = (*key, story, event)
        if len(best) == len(names) and all(found[0] == 0 for found in best.values()):
            break
    return {name: found[2:] for name, found in best.items()}


def _beside(event: Event, story: Story) -> int:
    """How many other events there are about the time of this one, and whether it is dark."""
    near = (event.start_s - 0.5, event.end_s + 0.5)
    others = sum(other.start_s < near[1] and near[0] < other.end_s for other in story.events) - 1
    return others + _is_dark(story, event)


def _is_dark(story: Story, event: Event) -> bool:
    there = any(actor.kind == "daylight" for actor in story.actors)
    dark = there and story.state("daylight", "bright", event.start_s) < 1
    return dark and event.actor != "daylight"


def _tile(kind: Kind, story: Story, event: Event, side: int) -> Image.Image:
    length_s = event.end_s - event.start_s
    moments = (-0.3, 0.4 * length_s, 0.6 * length_s, length_s + 0.2)
    times = [min(event.start_s + at, story.duration_s) for at in moments]
    frames = draw_frames(story, times, SIDE, oversample=OVERSAMPLE)
    tile = Image.new("RGB", (4 * (side + 2), side + _TEXT), "white")
    for n, frame in enumerate(frames):
        shown = Image.fromarray(frame).resize((side, side), Image.Resampling.NEAREST)
        tile.paste(shown, (n * (side + 2), _TEXT))
    ImageDraw.Draw(tile).text((0, 1), canonical(kind, event.colour), fill="black")
    return tile


def main(argv: list[str] | None = None) -> int:
    """Write the picture; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.sheet", description=__doc__)
    parser.add_argument("file", type=Path, help="a .png")
    parser.add_argument("--side", type=int, default=112, help="pixels per frame, of 56 each")
    args = parser.parse_args(argv)
    sheet(KINDS, args.side).save(args.file, optimize=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
