"""Spans are half-open stretches of seconds; times are read as ffmpeg reads them."""

from __future__ import annotations

import contextlib
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.errors import TimeError
from vidqa.timeline import Span, format_timecode, merge_overlapping, parse_time

EDGES = st.floats(-1e5, 1e5)
SPANS = st.tuples(EDGES, EDGES).map(lambda ends: Span(min(ends), max(ends)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("83.5", 83.5), ("0", 0), (".5", 0.5), ("5.", 5), ("-2", -2), ("3s", 3), ("1500ms", 1.5),
     ("250us", 0.00025), ("1:23.5", 83.5), ("01:02:03", 3723), ("1:02:03.25", 3723.25),
     ("75:10", 4510), ("-0:30", -30), ("100:00:00", 360_000), (" 7 ", 7)],
)  # fmt: skip
def test_a_time_is_read_as_ffmpeg_reads_it(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "-", "abc", "1:60", "1:2:3:4", "1:60:00", "1:00:60", "1e3", "3 s", "--3", "- 3", "1:-2",
     "nan", "inf", "5m", "12:", ":12", "٣", "9" * 400, f"{'9' * 5000}:00:00"],
)  # fmt: skip
def test_what_is_no_time_is_an_error_that_shows_how_to_write_one(text: str) -> None:
    with pytest.raises(TimeError, match="not a time") as caught:
        parse_time(text)
    assert "HH:MM:SS" in caught.value.next_step


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00.000"), (3723.48, "01:02:03.480"), (59.9996, "00:01:00.000"),
     (-30, "-00:00:30.000"), (-0.0001, "00:00:00.000"), (360_000, "100:00:00.000")],
)  # fmt: skip
def test_a_timecode_is_rounded_to_the_millisecond(seconds: float, text: str) -> None:
    assert format_timecode(seconds) == text


@pytest.mark.parametrize("seconds", [math.nan, math.inf])
def test_no_timecode_shows_a_time_that_is_not_finite(seconds: float) -> None:
    with pytest.raises(TimeError):
        format_timecode(seconds)


@given(st.floats(-1e6, 1e6))
def test_a_timecode_is_read_back_to_the_millisecond(seconds: float) -> None:
    assert parse_time(format_timecode(seconds)) == pytest.approx(seconds, abs=0.000_501)


@given(st.text(max_size=12) | st.text(alphabet="0123456789:.-sm", max_size=12))
def test_any_text_is_a_finite_time_or_an_error(text: str) -> None:
    with contextlib.suppress(TimeError):
        assert math.isfinite(parse_time(text))


@pytest.mark.parametrize("ends", [(2, 1), (0, math.inf), (math.nan, 1)])
def test_an_impossible_span_is_an_error(ends: tuple[float, float]) -> None:
    with pytest.raises(TimeError, match="no span goes"):
        Span(*ends)


def test_a_span_holds_its_start_but_not_its_end() -> None:
    span = Span(2, 5)
    assert [span.contains(t_s) for t_s in (1.9, 2, 4.9, 5)] == [False, True, True, False]
    assert (span.length_s, span.middle_s) == (3, 3.5)
    assert span.shift(-2) == Span(0, 3)


def test_spans_that_only_touch_do_not_overlap() -> None:
    assert not Span(0, 2).overlaps(Span(2, 4))
    assert Span(0, 2.1).overlaps(Span(2, 4))


@pytest.mark.parametrize(
    ("one", "other", "iou"),
    [(Span(0, 4), Span(2, 6), 1 / 3), (Span(0, 4), Span(0, 4), 1), (Span(0, 1), Span(2, 3), 0),
     (Span(1, 1), Span(1, 1), 0), (Span(0, 10), Span(4, 6), 0.2)],
)  # fmt: skip
def test_iou_is_length_shared_over_length_covered(one: Span, other: Span, iou: float) -> None:
    assert one.iou(other) == other.iou(one) == pytest.approx(iou)


@given(SPANS, SPANS)
def test_a_clamped_span_lies_within(span: Span, within: Span) -> None:
    got = span.clamp(within)
    assert within.start_s <= got.start_s <= got.end_s <= within.end_s
    assert span.overlaps(within) or got.length_s == 0
    assert got.length_s <= span.length_s


def test_merging_joins_what_touches_or_lies_within_the_gap() -> None:
    spans = [Span(5, 6), Span(0, 2), Span(2, 3), Span(1, 1.5)]
    assert merge_overlapping(spans) == [Span(0, 3), Span(5, 6)]
    assert merge_overlapping(spans, gap_s=2) == [Span(0, 6)]
    assert merge_overlapping([]) == []


@given(st.lists(SPANS, max_size=8), st.floats(0, 10))
def test_merged_spans_are_sorted_apart_and_cover_the_same(spans: list[Span], gap_s: float) -> None:
    merged = merge_overlapping(spans, gap_s)
    assert all(a.end_s + gap_s < b.start_s for a, b in pairwise(merged))
    for span in spans:
        assert any(m.start_s <= span.start_s and span.end_s <= m.end_s for m in merged)
    assert merge_overlapping(merged, gap_s) == merged
