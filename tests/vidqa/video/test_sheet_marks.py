"""Marks on a picture: the line is where the box is, and a label hides neither point nor label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

from vidqa.results import Mark, MarkKind
from vidqa.video import draw_still_sheet, read_still
from vidqa.video.sheet_marks import draw_marks
from vidqa.video.sheet_style import ACCENT

ACCENT_RGB = ImageColor.getrgb(ACCENT)


def mark(*xy: float, label: str = "") -> Mark:
    kind: MarkKind = "box" if len(xy) == 4 else "point"
    return Mark(kind=kind, label=label, xy=xy, pts_s=0.0, sha256=None)


def accent_box(image: Image.Image) -> tuple[int, int, int, int]:
    """The smallest box (ends exclusive) around every pixel of the accent."""
    accent_HW = (np.asarray(image) == ACCENT_RGB).all(axis=-1)
    rows, columns = np.flatnonzero(accent_HW.any(1)), np.flatnonzero(accent_HW.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.mark.parametrize("paper", ["black", "white"])
def test_a_box_is_drawn_on_its_edges_scaled_to_the_picture(paper: str) -> None:
    drawn = draw_marks(Image.new("RGB", (400, 200), paper), [mark(50, 25, 100, 75)], (200, 100))
    assert accent_box(drawn) == pytest.approx((100, 50, 200, 150), abs=2)
    inner = np.asarray(drawn)[60:140, 110:190]
    assert (inner == inner[0, 0]).all()


@pytest.mark.parametrize("paper", ["black", "white", ACCENT])
def test_a_mark_stands_out_from_any_paper(paper: str) -> None:
    plain = Image.new("RGB", (100, 100), paper)
    drawn = draw_marks(plain, [mark(30, 30, 60, 60)], plain.size)
    shades = {color for _, color in drawn.getcolors() or []}
    assert len(shades) >= 3
    assert np.abs(np.asarray(drawn).astype(int) - np.asarray(plain)).max() > 100


@given(x=st.integers(0, 400), y=st.integers(0, 200))
def test_a_label_never_hides_its_own_point(x: int, y: int) -> None:
    plain = Image.new("RGB", (400, 200), "black")
    bare, named = (
        np.asarray(draw_marks(plain, [mark(x, y, label=label)], plain.size))
        for label in ("", "a lamp")
    )
    around = np.s_[max(0, y - 8) : y + 8, max(0, x - 8) : x + 8]
    assert (bare[around] == named[around]).all()


def test_a_label_longer_than_the_picture_is_shortened_into_it() -> None:
    plain = Image.new("RGB", (120, 90), "white")
    drawn = draw_marks(plain, [mark(20, 40, 60, 80, label="a very long name " * 9)], plain.size)
    left, top, right, bottom = accent_box(drawn)
    assert (left >= 8, top >= 8, right <= 112, bottom <= 90) == (True,) * 4


def test_two_labels_of_one_place_lie_apart() -> None:
    plain = Image.new("RGB", (600, 300), "white")
    names = ([""], ["one"], ["one", "one"])
    marks = [[mark(200, 100, 300, 200 + k, label=n) for k, n in enumerate(row)] for row in names]
    bare, one, two = (accent_pixels(draw_marks(plain, each, plain.size)) for each in marks)
    assert two - one > 0.8 * (one - bare)


def accent_pixels(image: Image.Image) -> int:
    return int((np.asarray(image) == ACCENT_RGB).all(axis=-1).sum())


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_box_and_picture_agree_on_the_sheet_of_a_turned_image(turn: int, tmp_path: Path) -> None:
    image = Image.new("RGB", (300, 200), "white")
    image.paste("blue", (40, 20, 120, 80))
    exif = Image.Exif()
    exif[0x0112] = turn
    image.save(tmp_path / "turned.png", exif=exif)
    rgb_HWC = read_still(tmp_path / "turned.png").rgb_HWC
    box, out = blue_box(rgb_HWC), tmp_path / "sheet.png"
    draw_still_sheet(rgb_HWC, title="q", answer="", out=out, marks=[mark(*box)])
    with Image.open(out) as sheet:
        page = np.asarray(sheet.convert("RGB"))
    left, top, right, bottom = blue_box(page)
    rim = page[top - 12 : bottom + 12, left - 12 : right + 12]
    assert accent_box(Image.fromarray(rim)) == pytest.approx(
        (8, 8, rim.shape[1] - 8, rim.shape[0] - 8), abs=6
    )


def blue_box(rgb_HWC: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    blue_HW = (rgb_HWC == (0, 0, 255)).all(axis=-1)
    rows, columns = np.flatnonzero(blue_HW.any(1)), np.flatnonzero(blue_HW.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
