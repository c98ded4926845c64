"""``python -m vidqa_nano.labelled FOLDER``: short films, and questions about them with the answers.

In: a folder. Out: a film for every clip of the split ``tuning``, on which nothing is trained, and
``labelled.jsonl``, as ``vidqa calibrate`` reads it: of each film up to two things that happen in it
and up to two that could have and do not. Some films hold fewer: the 150 by default, 587 questions.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vidqa_nano.film import FAST, write_film
from vidqa_nano.measure import choose_queries
from vidqa_nano.phrases import canonical
from vidqa_nano.story import story_of
from vidqa_nano.windows import seen_events, whole_window
from vidqa_nano.world import Story

SIDE, FPS, QUALITY = 224, 10, 22


def labels(story: Story, film: str, seed: int) -> Iterator[str]:
    """A line for each question about a story."""
    events = seen_events(story, whole_window(story))
    for query in choose_queries(story, present=2, absent=2, rng=np.random.default_rng([11, seed])):
        asked = canonical(query.kind, query.colour)
        yield json.dumps({"video": film, "query": asked, "spans": query.spans(events)})


def main(argv: list[str] | None = None) -> int:
    """Write films and questions; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.labelled", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=150)
    args = parser.parse_args(argv)
    args.folder.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for index in range(args.clips):
        story, film = story_of("tuning", index, "short"), f"{index:04}.mp4"
        write_film(story, args.folder / film, side=SIDE, fps=FPS, quality=QUALITY, effort=FAST)
        lines += labels(story, film, index)
    (args.folder / "labelled.jsonl").write_text("\n".join([*lines, ""]), encoding="utf-8")
    sys.stdout.write(f"{args.folder}: {args.clips} films, {len(lines)} questions\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
