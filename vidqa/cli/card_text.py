"""Cards of models for people: plain lines that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from vidqa.cli.table import columns

COLUMNS = 80
_NAME_COLUMNS = 32


def card_lines(cards: Sequence[dict[str, Any]]) -> list[str]:
    """The checkpoint's card, what was measured of it, and the families."""
    checkpoint, *families = cards
    return [*_checkpoint_lines(checkpoint), "", *_family_lines(families)]


def _checkpoint_lines(card: dict[str, Any]) -> list[str]:
    size = f"{card['parameters'] / 1e6:,.1f} M parameters, {card['megabytes']:,.1f} MB"
    told = card["figures"]
    facts = [("what it is", card["about"]), ("size", size)]
    facts += [("its world", told["world"]), ("outside it", told["outside"])] if told else []
    name = _plain(card["name"]).partition("@")[0]
    lines = [f"{name} ({card['kind']})", *_facts(facts)]
    return [*lines, "", *_measured(told, card["digest"])] if told.get("rows") else lines


def _family_lines(cards: Sequence[dict[str, Any]]) -> list[str]:
    head = "families, whose checkpoints --model takes by OWNER/NAME or as a folder:"
    return [head, *_facts([(card["name"], card["about"]) for card in cards])]


def _facts(facts: Sequence[tuple[str, str]]) -> list[str]:
    """Names in a column, texts beside them in as many lines as they need."""
    room = max(len(name) for name, _ in facts)
    return [
        f"  {name if first else '':<{room}}  {line}"
        for name, text in facts
        for first, line in _lines(text, COLUMNS - room - 4)
    ]


def _measured(told: dict[str, Any], digest: str) -> list[str]:
    """The figures with their 95 % intervals, goals, and what answers score that look at nothing."""
    of_others = "" if told["made_for"] == digest else " (of other weights than these)"
    rows: list[tuple[str, ...]] = [("", "figure", "95 %", "to reach", "blind")]
    for row in told["rows"]:
        rows += _figure_rows(row)
    note = ["  blind: the best of the answers that look at nothing"]
    table = _without_empty_columns(rows)
    return [
        f"measured{of_others}:",
        *(f"  {line}" for line in columns(table)),
        *(note if "blind" in table[0] else []),
    ]


def _figure_rows(row: dict[str, Any]) -> list[tuple[str, ...]]:
    """A figure and, below it, what is left of a long name."""
    best = max(row["beside"].values(), default=None)
    cells = (
        f"{row['value']:.2f}",
        f"{row['low']:.2f} to {row['high']:.2f}",
        _plain(row["goal"])[:12],
        "" if best is None else f"{best:.2f}",
    )
    blank = ("",) * len(cells)
    named = _lines(row["name"], _NAME_COLUMNS)
    return [(line, *cells) if first else (f"  {line}", *blank) for first, line in named]


def _without_empty_columns(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows without the columns that hold nothing but their head."""
    filled = [any(column[1:]) for column in zip(*rows, strict=True)]
    return [tuple(cell for cell, keep in zip(row, filled, strict=True) if keep) for row in rows]


def _lines(text: str, width: int) -> list[tuple[bool, str]]:
    """Lines of at most ``width`` columns, each with whether it is the first."""
    return [(k == 0, line) for k, line in enumerate(wrap(_plain(text), width) or [""])]


def _plain(text: str) -> str:
    """Without line ends and what a terminal would obey: a card may come from anywhere."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
