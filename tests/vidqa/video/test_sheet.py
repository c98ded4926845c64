"""Contact sheets: every frame, its time, the spans and the timeline are really in the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from vidqa.errors import ExportError
from vidqa.timeline import Span
from vidqa.video.frames import Frames
from vidqa.video.sheet import draw_sheet, sheet_frame_size
from vidqa.video.sheet_style import ACCENT, MARGIN_PX, WIDTH_PX
from vidqa.video.sheet_text import BOX, drawable, shorten, width_of, wrap
from vidqa.video.sheet_timeline import HEIGHT_PX, Timeline, clock, draw_timeline

BLUE, GREEN = (20, 60, 220), (20, 180, 60)
ACCENT_RGB = ImageColor.getrgb(ACCENT)


def plain_frames(
    times: list[float],
    colors: list[tuple[int, int, int]] | None = None,
    size: tuple[int, int] = (36, 64),
    unreadable_from_s: float | None = None,
) -> Frames:
    """One flat colour per frame, so that a frame can be found again in the picture."""
    rgb = np.zeros((len(times), *size, 3), dtype=np.uint8)
    for k, color in enumerate(colors or [BLUE] * len(times)):
        rgb[k] = color
    pts_T = np.array(times, dtype=np.float64)
    return Frames(rgb_THWC=rgb, asked_T=pts_T, pts_T=pts_T, unreadable_from_s=unreadable_from_s)


def drawn(tmp_path: Path, frames: Frames, spans: list[Span], title: str = "q") -> Image.Image:
    out = tmp_path / "sheet.png"
    draw_sheet(frames, duration_s=10.0, spans=spans, title=title, out=out)
    with Image.open(out) as image:
        return image.convert("RGB")


def first_column(image: Image.Image, color: tuple[int, ...]) -> int:
    """The leftmost column that holds ``color`` exactly."""
    return int(np.where((np.asarray(image) == color).all(axis=-1).any(axis=0))[0][0])


def count(image: Image.Image, color: tuple[int, ...]) -> int:
    return int((np.asarray(image) == color).all(axis=-1).sum())


def test_frames_are_drawn_in_time_order_whatever_order_they_came_in(tmp_path: Path) -> None:
    image = drawn(tmp_path, plain_frames([6.0, 2.0], [BLUE, GREEN]), [])
    assert first_column(image, GREEN) < first_column(image, BLUE)


def test_a_frame_read_twice_is_shown_once(tmp_path: Path) -> None:
    once = drawn(tmp_path, plain_frames([2.0]), [])
    assert drawn(tmp_path, plain_frames([2.0, 2.0]), []).tobytes() == once.tobytes()


def test_only_frames_inside_a_span_are_framed_in_the_accent(tmp_path: Path) -> None:
    frames = plain_frames([2.0, 5.0])
    above_timeline = (0, 170, WIDTH_PX, drawn(tmp_path, frames, []).height - HEIGHT_PX)
    outside = drawn(tmp_path, frames, [Span(8.0, 9.0)]).crop(above_timeline)
    inside = drawn(tmp_path, frames, [Span(5.0, 6.0)]).crop(above_timeline)
    assert count(outside, ACCENT_RGB) == 0
    assert first_column(inside, ACCENT_RGB) > first_column(inside, BLUE)


def test_a_span_is_half_open_on_the_sheet_too(tmp_path: Path) -> None:
    at_the_end = drawn(tmp_path, plain_frames([5.0]), [Span(4.0, 5.0)])
    assert count(at_the_end.crop((0, 170, WIDTH_PX, 300)), ACCENT_RGB) == 0


@pytest.mark.parametrize("frames", [0, 1, 7, 24, 40])
@pytest.mark.parametrize("size", [(36, 64), (64, 36), (8, 640), (640, 8), (1, 1)])
def test_any_number_and_shape_of_frames_fits_the_page(
    tmp_path: Path, frames: int, size: tuple[int, int]
) -> None:
    image = drawn(tmp_path, plain_frames([0.2 * k for k in range(frames)], size=size), [])
    assert image.width == WIDTH_PX
    assert image.height < 4 * WIDTH_PX
    assert np.asarray(image)[:, : MARGIN_PX - 8].min() > 200


def test_a_png_keeps_the_full_question_in_its_metadata(tmp_path: Path) -> None:
    drawn(tmp_path, plain_frames([1.0]), [Span(1.0, 2.5)], title="门打开了")
    with Image.open(tmp_path / "sheet.png") as image:
        image.load()
        assert image.info["Title"] == "门打开了"
        assert image.info["Description"] == "0:01.00 - 0:02.50"


@pytest.mark.parametrize("name", ["sheet.jpg", "sheet.JPEG", "sheet.webp"])
def test_other_picture_formats_follow_the_suffix(tmp_path: Path, name: str) -> None:
    draw_sheet(plain_frames([1.0]), duration_s=10, spans=[], title="q", out=tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert image.width == WIDTH_PX
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no picture format") as caught:
        draw_sheet(plain_frames([1.0]), duration_s=1, spans=[], title="q", out=tmp_path / "a.pdf")
    assert ".png" in caught.value.next_step


def test_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written"):
        draw_sheet(
            plain_frames([1.0]), duration_s=1, spans=[], title="q", out=tmp_path / "no/a.png"
        )


def test_no_timeline_without_a_duration(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no timeline"):
        draw_sheet(plain_frames([1.0]), duration_s=0, spans=[], title="q", out=tmp_path / "a.png")


def test_frames_are_worth_reading_only_up_to_the_size_they_are_shown_at() -> None:
    assert sheet_frame_size(1920, 1080, 12) == (201, 357)
    assert sheet_frame_size(56, 56, 12) == (56, 56)


# --- the timeline ---------------------------------------------------------------------------


def column_is_accent(timeline: Timeline, t_s: float) -> bool:
    image = draw_timeline(timeline)
    return image.getpixel((round(timeline.x_at(t_s)), 60)) == ACCENT_RGB


def test_a_span_fills_its_own_part_of_the_bar() -> None:
    timeline = Timeline(duration_s=100.0, spans=[Span(20.0, 40.0)], frames_s=[])
    assert [column_is_accent(timeline, t) for t in (19, 21, 39, 41)] == [False, True, True, False]


def test_a_span_of_no_width_is_still_seen() -> None:
    timeline = Timeline(duration_s=86_400.0, spans=[Span(43_200.0, 43_200.5)], frames_s=[])
    assert count(draw_timeline(timeline), ACCENT_RGB) > 0


def test_a_mark_stands_above_the_bar_at_the_time_of_its_frame() -> None:
    timeline = Timeline(duration_s=10.0, spans=[Span(5.0, 6.0)], frames_s=[5.5])
    marks = draw_timeline(timeline).crop((0, 0, WIDTH_PX, 36))
    columns = np.where((np.asarray(marks) == ACCENT_RGB).all(axis=-1).any(axis=0))[0]
    assert columns.mean() == pytest.approx(timeline.x_at(5.5), abs=1)


def test_what_could_not_be_read_looks_different() -> None:
    sound = Timeline(duration_s=10.0, spans=[], frames_s=[])
    broken = Timeline(duration_s=10.0, spans=[], frames_s=[], unreadable_from_s=6.0)
    differs = (np.asarray(draw_timeline(sound)) != np.asarray(draw_timeline(broken))).any(axis=-1)
    assert np.where(differs.any(axis=0))[0].min() == pytest.approx(sound.x_at(6.0), abs=4)


@pytest.mark.parametrize("duration_s", [1e-6, 0.04, 1.0, 59.99, 3600.0, 86_400.0, 1e7])
def test_any_duration_has_a_timeline(duration_s: float) -> None:
    image = draw_timeline(Timeline(duration_s=duration_s, spans=[], frames_s=[0.0]))
    assert image.size == (WIDTH_PX, HEIGHT_PX)


@pytest.mark.parametrize(
    ("t_s", "decimals", "text"),
    [(0, 0, "0:00"), (62.3, 2, "1:02.30"), (59.999, 2, "1:00.00"), (7261.4, 1, "2:01:01.4")],
)
def test_the_short_clock(t_s: float, decimals: int, text: str) -> None:
    assert clock(t_s, decimals) == text


# --- lettering ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("person opens door?", "person opens door?"),
        ("öffnet  die\nTür", "offnet die Tur"),
        ("12 – 15 s", "12 - 15 s"),
        ("门打开了 door", f"{BOX} door"),
        ("", ""),
    ],
)
def test_text_is_drawn_as_far_as_the_font_goes(text: str, shown: str) -> None:
    assert drawable(text) == shown


def test_long_text_is_cut_after_a_word() -> None:
    assert shorten("a man opens the door", 30, width_of("a man opens th", 30)) == "a man opens…"


def test_a_long_word_is_cut_inside() -> None:
    cut = shorten("W" * 80, 30, 200)
    assert cut.endswith("W…")
    assert width_of(cut, 30) <= 200


def test_lines_are_whole_words_and_the_last_tells_that_more_was_said() -> None:
    width = width_of("one two three", 30)
    assert wrap("one two three four five", 30, width, 2) == ["one two three", "four five"]
    assert wrap("one two three four five twenty", 30, width, 2) == ["one two three", "four five…"]
