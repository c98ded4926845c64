"""Every format the checkpoints write is read; what is not there is never made up."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidqa.replies import format_spans, parse_spans
from vidqa.replies.times import find_times
from vidqa.timeline import Span

HOUR = Span(0.0, 7200.0)
ONE, TWO = [(3.0, 7.5)], [(3.0, 7.5), (10.0, 12.5)]


def read(reply: str, window: Span = HOUR) -> list[tuple[float, float]]:
    return [(span.start_s, span.end_s) for span in parse_spans(reply, window=window).spans]


@pytest.mark.parametrize(
    ("reply", "kind", "spans"),
    [
        # the base model and nano
        ("The given query happens in 64.0 - 72.0 seconds.", "range", [(64, 72)]),
        ("The given query happens in 3.0 - 7.5, 10.0 - 12.5 seconds.", "range", TWO),
        ("The given query happens in 00:03.00 - 00:07.50.", "clock", ONE),
        # JSON, whole, fenced, cut off, nearly
        ("[[3.0, 7.5]]", "json", ONE),
        ("[[3.0, 7.5], [10.0, 12.5]]", "json", TWO),
        ("[3.0, 7.5]", "json", ONE),
        ('```json\n{"spans": [[3.0, 7.5], [10.0, 12.5]]}\n```', "json", TWO),
        ("[(3.0, 7.5), (10.0, 12.5)]", "json", TWO),
        ("[[3.0, 7.5], [10.0, 12.5], [20.0, 2", "json", TWO),
        ('[["3.0s", "7.5s"]]', "json", ONE),
        ('{"start": 3.0, "end": 7.5}', "json", ONE),
        ("{'end': 7.5, 'start': 3}", "json", ONE),
        ('{"segments": [{"start_time": "00:03.00", "end_time": "00:07.50"}]}', "json", ONE),
        (
            """```json\n[{"start_time": "00:00.00", "end_time": "00:21.80", "description": "3 - 4"},
            {"start_time": "75:10.50", "end_time": "01:16:00"},
            {"start_time": "90:00", "end_ti""",
            "json",
            [(0, 21.8), (4510.5, 4560)],
        ),
        ('{"timestamp": "00:03.0 - 00:07.5"}', "clock", ONE),
        # answer tags: Time-R1, VideoChat-R1, MUSEG
        ("<think>maybe 1.0 to 2.0</think><answer>12.54 to 17.83</answer>", "answer",
         [(12.54, 17.83)]),
        ("<think>1.0 to 2.0</think>\n<answer>12.54 and 17.83</answer>", "answer", [(12.54, 17.83)]),
        ("<answer>3.00-7.50 10.00-12.50</answer>", "answer", TWO),
        ("<answer>3.00-7.50, 10.00-12.50", "answer", TWO),
        ("<answer>3.0, 7.5</answer>", "answer", ONE),
        ("<answer>[(3.0, 7.5)]</answer>", "json", ONE),
        ("5 to 6</think> <answer>from 3.0 to 7.5</answer> 8 to 9", "answer", ONE),
        ("<answer>1 to 2</answer> no: <answer>3.0 to 7.5</answer>", "answer", ONE),
        ("<answer>B</answer><glue>[(3.0, 7.5)]</glue>", "json", ONE),
        ("<answer>3.0 to 7.5</answer><correction>NIL</correction>", "answer", ONE),
        # TimeLens, UniTime, lmms-eval
        ("The event happens in 3.0 - 7.5 seconds.", "range", ONE),
        ("From 3.0 seconds to 7.5 seconds.", "range", ONE),
        ("The event 'person turn a light on' happens in the 3.0 - 7.5 seonds", "range", ONE),
        # clocks
        ("01:02:03 - 01:02:07.5", "clock", [(3723, 3727.5)]),
        ("1:02:03.25 to 1:03:00", "clock", [(3723.25, 3780)]),
        ("75:10 – 80:00", "clock", [(4510, 4800)]),
        ("from 12:34.56s until 12:40.00s", "clock", [(754.56, 760)]),
        ("00:00:03,000 --> 00:00:07,500", "clock", ONE),
        # ranges in every dress
        ("3.0s - 7.5s", "range", ONE),
        ("3–7.5", "range", [(3, 7.5)]),
        ("3.0—7.5 sec", "range", ONE),
        ("3.0 → 7.5", "range", ONE),
        ("between 3.0 and 7.5 seconds", "range", ONE),
        ("It starts at 3.0 and ends at 7.5.", "range", ONE),
        ("Start time: 3.0 seconds\nEnd time: 7.5 seconds", "range", ONE),
        ("starts at 3.0 and ends at 7.5, then starts at 10 and ends at 12.5", "range", TWO),
        ("from 2 to 3 minutes", "range", [(120, 180)]),
        ("from 1 min 5 s to 1 minute and 30 seconds", "range", [(65, 90)]),
        ("1h30m to 1 hour, 45 minutes", "range", [(5400, 6300)]),
        ('"3.0 to 7.5"', "range", ONE),
        ("2-3 people walk in at 3.0 - 7.5 seconds", "range", ONE),
        ("The event '2 to 3 dogs run' happens in 3.0 - 7.5 seconds.", "range", ONE),
        ("it's the man's door, from 3.0 to 7.5 seconds, and it's open", "range", ONE),
        ("The man who does not find his key appears from 3.0 to 7.5 s", "range", ONE),
        ("It starts at 00:03 and lasts until 00:07.5.", "clock", ONE),
        ("frames 6 to 15, 3.0 s - 7.5 s", "range", ONE),
        # two bare times
        ("3.0 7.5", "pair", ONE),
        ("Timestamps: 3.0, 7.5", "pair", ONE),
        ("3.0s, 7.5s", "pair", ONE),
        ("The given query happens in 3.0 - 7.5 seconds.<|im_end|>", "range", ONE),
    ],
)  # fmt: skip
def test_a_known_format_is_read(reply: str, kind: str, spans: list[tuple[float, float]]) -> None:
    parsed = parse_spans(reply, window=HOUR)
    assert (parsed.outcome, parsed.parse_kind) == ("found", kind)
    assert read(reply) == spans
    assert parsed.raw == reply


@pytest.mark.parametrize(
    "reply",
    [
        "The given query does not happen in the video.",
        "The event doesn’t occur.",
        "The described content is not present in this video.",
        "There is no door in the video.",
        "No such event is shown.",
        "I could not find a red car.",
        "This never happens.",
        "No matching segment.",
        "<think>perhaps 3.0 to 7.5</think><answer>NIL</answer>",
        "<answer>none</answer>",
        "No.",
        "N/A",
        "[]",
        "[[]]",
        '{"spans": []}',
        '```json\n{"segments": []}\n```',
        "null",
    ],
)
def test_a_plain_no_is_not_found(reply: str) -> None:
    parsed = parse_spans(reply, window=HOUR)
    assert (parsed.outcome, parsed.parse_kind, parsed.spans) == ("not_found", "absent", ())


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   \n",
        "The door is opened by a man in a red coat.",
        "It happens at 12.5 seconds.",
        "Person 7 opens 2 doors.",
        "The man in 3 carries 5 bags",
        "<think>The event happens from 3.0 to 7.5",
        "<think>The event happens from 3.0 to 7.5</think>",
        '{"start_frame": 30, "end_frame": 75}',
        "frames 30, 75",
        "frames 30 to 75",
        "It happens from frame 30 to frame 75, that is frames 30 - 75.",
        '[{"start_time": "00:03.00", "end_time": "00:0',
        "[[3.0, 1",
        '{"start": 3.0, "end": 1',
        '{"bbox_2d": [10, 20, 30, 40]}',
        "50% to 75%",
        "version 1.2.3 - 1.2.4",
        "I am unable to tell.",
        "\x00\ud800",
    ],
)
def test_an_unreadable_reply_is_uncertain_and_kept(reply: str) -> None:
    parsed = parse_spans(reply, window=HOUR)
    assert (parsed.outcome, parsed.parse_kind, parsed.spans) == ("uncertain", "unreadable", ())
    assert parsed.raw == reply


def test_times_together_with_a_no_are_a_contradiction() -> None:
    parsed = parse_spans("The query does not happen in 3.0 - 7.5 seconds.", window=HOUR)
    assert (parsed.outcome, parsed.parse_kind) == ("uncertain", "contradiction")


def test_spans_are_cut_to_the_window_and_those_outside_dropped() -> None:
    reply = "[[-2, 3], [8, 99], [20, 30], [4, 4], [6, 5], [6, 5]]"
    assert read(reply, Span(0, 10)) == [(0, 3), (8, 10), (5, 6)]


@pytest.mark.parametrize(
    "reply", ["30 - 40 seconds", "[[5, 5]]", "10.0 - 12.0 s", "<glue>[-1.0, -1.0]</glue>"]
)
def test_times_of_which_none_lies_in_the_window_are_uncertain(reply: str) -> None:
    parsed = parse_spans(reply, window=Span(0, 10))
    assert (parsed.outcome, parsed.parse_kind, parsed.spans) == ("uncertain", "outside", ())


def test_a_loop_of_the_same_span_counts_once() -> None:
    assert read("3.0 - 7.5, " * 50 + "seconds") == ONE


def test_a_window_of_no_length_holds_no_span() -> None:
    assert parse_spans("0 - 5 seconds", window=Span(0, 0)).outcome == "uncertain"


def test_the_minus_of_a_range_is_no_sign_but_one_before_a_first_number_is() -> None:
    assert [found.seconds for found in find_times("3.0 -7.5 at -2")] == [3.0, 7.5, -2.0]


def test_the_trained_reply_has_one_decimal_and_one_unit() -> None:
    assert format_spans([(3, 7.52)]) == "The given query happens in 3.0 - 7.5 seconds."
    assert format_spans(TWO) == "The given query happens in 3.0 - 7.5, 10.0 - 12.5 seconds."
    assert format_spans([]) == "The given query does not happen in the video."


TENTHS = st.integers(0, 71_990).map(lambda n: n / 10)


@given(st.lists(st.tuples(TENTHS, TENTHS).map(sorted), max_size=5))
def test_the_trained_reply_is_read_back_as_it_was(pairs: list[list[float]]) -> None:
    spans = list(dict.fromkeys((a, b) for a, b in pairs if b > a))
    assert read(format_spans(spans)) == spans


BITS = st.sampled_from(
    ["<think>", "</think>", "<answer>", "</answer>", "<glue>", "[", "]", "(", ")", "{", "}", ",",
     " ", "-", " - ", "–", " to ", " and ", "from ", "s", " seconds", ":", ".", "3", "7.5", "00:12",
     "1e9", "-4", "99999", '"', "'", '"start": ', '"end": ', "not happen", "no ", "min", "\n",
     "```json", "9" * 400, "<|im_end|>", "٣", "\ud800"]
)  # fmt: skip


@settings(max_examples=600)
@given(
    st.text(max_size=80) | st.lists(BITS, max_size=30).map("".join),
    st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)).map(sorted),
)
def test_any_reply_gives_spans_inside_the_window_or_none(reply: str, ends: list[float]) -> None:
    window = Span(*ends)
    parsed = parse_spans(reply, window=window)
    assert parsed.raw == reply
    assert (parsed.outcome == "found") == bool(parsed.spans)
    for span in parsed.spans:
        assert window.start_s <= span.start_s < span.end_s <= window.end_s
    assert not parsed.spans or re.search("[0-9]", reply)


@settings(max_examples=300)
@given(st.text(alphabet="0123456789.,:- –sto[](){}\"'<>/", max_size=60))
def test_every_edge_is_a_number_that_stands_in_the_reply(reply: str) -> None:
    window = Span(0.0, 1e12)
    written = {abs(found.seconds) for found in find_times(reply)}
    for span in parse_spans(reply, window=window).spans:
        assert {span.start_s, span.end_s} <= written | {0.0, 1e12}


@pytest.mark.parametrize(
    "bit",
    ["1 ", "[", "1:", "(1,", "'a ", "does ", "{", "1m", "<think>", ", ", "1,", "1 - ", "1, 2, [",
     '{"start": 1', '"a', "no event ", "starts at 1 "],
)  # fmt: skip
def test_a_very_long_reply_is_read_in_a_moment(bit: str) -> None:
    began_s = time.process_time()
    parse_spans("[" + bit * 20_000, window=HOUR)
    assert time.process_time() - began_s < 5
