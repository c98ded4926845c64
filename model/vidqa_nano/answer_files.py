"""Answers kept as JSON: a file is there whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path
from typing import Any

from vidqa_nano.scores import Answered


def write_json(path: Path, value: object) -> None:
    """Write beside ``path`` and move it there."""
    half = path.with_suffix(".half")
    half.write_text(json.dumps(value) + "\n", encoding="utf-8")
    half.replace(path)


def write_answers(path: Path, answers: Iterable[Answered]) -> None:
    """A list of the fields of each."""
    write_json(path, [astuple(answer) for answer in answers])


def read_answers(path: Path) -> list[Answered]:
    """What :func:`write_answers` wrote."""
    rows: list[list[Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [Answered(*row[:3], *(_spans(spans) for spans in row[3:])) for row in rows]


def _spans(pairs: list[list[float]]) -> list[tuple[float, float]]:
    return [(start, end) for start, end in pairs]
