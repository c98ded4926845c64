"""Nano's card: its world in words and what was measured, as ``vidqa models`` shows them.

In: weights and rows of the table of figures. Out: ``figures.json``, which any checkpoint may have:
``made_for`` (the digest of the weights), ``world`` and ``outside`` (sentences) and ``rows``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from vidqa.checkpoints import FIGURES_FILE, find_checkpoint
from vidqa_nano.phrases import KINDS
from vidqa_nano.rows import Row

WORLD = (
    "Videos drawn by a program: a room or a street with people, doors, balls, cars, dogs, cats, "
    "birds, balloons, lamps, screens, curtains, fans, flags, fires, smoke, fountains, signals, "
    f"boxes, digits, weather and daylight. {len(KINDS)} kinds of events are asked for in short "
    "English sentences."
)
OUTSIDE = (
    "It understands nothing outside that world. Asked about real footage, or about anything else "
    "than these events, it will still answer, and the answer means nothing."
)


def write_card(weights: Path, rows: Sequence[Row]) -> Path:
    """The file in the weights' folder; rows of which nothing could be asked are left out."""
    card = {
        "made_for": find_checkpoint(str(weights)).digest(),
        "world": WORLD,
        "outside": OUTSIDE,
        "rows": [_plain(row) for row in rows if row.figure.count],
    }
    path = weights / FIGURES_FILE
    path.write_text(json.dumps(card, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path


def _plain(row: Row) -> dict[str, object]:
    """A row as JSON values: three decimals, no NaN."""
    figure = {name: round(value, 3) for name, value in asdict(row.figure).items()}
    beside = {name: round(value, 3) for name, value in row.beside.items() if math.isfinite(value)}
    return {"name": row.name.strip(), **figure, "goal": row.goal, "beside": beside}
