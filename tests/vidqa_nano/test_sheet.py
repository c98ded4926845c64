"""The contact sheet has a tile for every kind asked for."""

from __future__ import annotations

from vidqa_nano.phrases import BY_NAME
from vidqa_nano.sheet import sheet


def test_a_sheet_has_four_frames_and_a_label_per_kind() -> None:
    kinds = [BY_NAME[name] for name in ("person_waves", "box_spins", "lamp_blinks")]
    picture = sheet(kinds, 56, columns=2)
    assert picture.size == (2 * (4 * 58 + 6) + 6, 2 * (56 + 14 + 6) + 6)
