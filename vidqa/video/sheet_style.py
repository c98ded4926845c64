"""Colours and the page of a contact sheet, in one place: dark on light, one accent."""

from __future__ import annotations

PAPER = "#fbfaf7"
INK = "#1c1b19"
GREY = "#77736b"
HAIRLINE = "#c9c5bb"
TRACK = "#e6e2d8"
UNREADABLE = "#cfcabd"
ACCENT = "#d9480f"
ON_ACCENT = "#ffffff"

WIDTH_PX = 1600
MARGIN_PX = 56
