"""Boxes and points: every form a checkpoint answers in, and nothing made of what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.replies import SaidMark, parse_marks

CAKE = SaidMark("box", (10.0, 20.0, 30.0, 40.0), "cake")
PIN = SaidMark("point", (5.0, 6.0), "pin")


@pytest.mark.parametrize(
    "reply",
    [
        '[{"bbox_2d": [10, 20, 30, 40], "label": "cake"}]',
        '```json\n[\n\t{"bbox_2d": [10, 20, 30, 40], "label": "cake"}\n]\n```',
        'Here: {"bbox_2d": [10, 20, 30, 40], "label": "cake"}.',
        '{"objects": [{"label": "cake", "bbox_2d": [10.0, 20, 30, 40]}]}',
        '[{"bbox_2d": [30, 40, 10, 20], "label": "cake"}]',
        '[{"bbox_2d": [30, 20, 10, 40], "text_content": "cake"}]',
        '[{"bbox_2d": [10, 20, 30, 40], "label": "cake"}, {"bbox_2d": [11, 2',
        '{"objects": [{"bbox_2d": [10, 20, 30, 40], "label": "cake"}, {"bb',
        '<think>{"bbox_2d": [1, 2, 3, 4]}</think>[{"bbox_2d": [10, 20, 30, 40], "label": "cake"}]',
        "10,20,30,40 cake",
        "```\n10, 20, 30, 40, cake\n```",
    ],
)
def test_a_box_in_each_of_its_forms(reply: str) -> None:
    assert parse_marks(reply) == (CAKE,)


@pytest.mark.parametrize(
    "reply",
    [
        '[{"point_2d": [5, 6], "label": "pin"}]',
        '<points x1="5" y1="6" alt="pin">pin</points>',
        "<points x1='5' y1='6' alt='the pin'>pin</points>",
        '<point x="5.0" y="6" alt="pin"/>',
        'There: <point x="5" y="6">pin</point>.',
        '<points x1="5" y1="6" alt="pin">pi',
    ],
)
def test_a_point_in_each_of_its_forms(reply: str) -> None:
    assert parse_marks(reply) == (PIN,)


def test_several_points_in_one_tag_share_its_name() -> None:
    reply = '<points x1="5" y1="6" x2="7" y2="8" x3="9" alt="pins">pin</points>'
    assert parse_marks(reply) == (PIN, SaidMark("point", (7.0, 8.0), "pin"))


def test_lines_are_boxes_only_when_the_whole_reply_is_such_lines() -> None:
    lines = "10,20,30,40 cake\n1,2,3,4 red cup"
    assert parse_marks(lines) == (CAKE, SaidMark("box", (1.0, 2.0, 3.0, 4.0), "red cup"))
    assert parse_marks(f"I see these:\n{lines}") == ()
    assert parse_marks("1, 2, 3, 4") == ()


@pytest.mark.parametrize(
    ("field", "time_s"),
    [
        ('"time": 3.5', 3.5),
        ('"timestamp": "01:02.50"', 62.5),
        ('"start_time": "4s"', 4.0),
        ('"seconds": "7.25"', 7.25),
        ('"time": "soon"', None),
        ('"time": "1 to 2"', None),
        ('"time": NaN', None),
    ],
)
def test_a_mark_may_say_its_time(field: str, time_s: float | None) -> None:
    (mark,) = parse_marks(f'{{"point_2d": [5, 6], {field}}}')
    assert mark.time_s == time_s


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "The cake is on the left.",
        '{"bbox_2d": [10, 20, 30], "label": "cake"}',
        '{"bbox_2d": [10, 20, 30, NaN], "label": "cake"}',
        '{"bbox_2d": [10, 20, 30, 1e999], "label": "cake"}',
        '{"bbox_2d": [10, 20, 30, true], "label": "cake"}',
        '{"bbox_2d": [10, 20, 30, null], "label": "cake"}',
        f'{{"bbox_2d": [10, 20, 30, {"9" * 400}]}}',
        '{"bbox_2d": "10 20 30 40"}',
        '{"bbox_2d": ["1_0", "20", "30", "40"]}',
        '{"bbox_2d": ["10", "20", "30", "inf"]}',
        '{"bbox_2d": [10, 20, 30, 4',
        '<points x1="a" y1="6">pin</points>',
        '<points x1="5" alt="pin">pin</points>',
        '<points x1="5" y1="6',
        "<think>10,20,30,40 cake",
    ],
)
def test_what_is_no_mark_becomes_none(reply: str) -> None:
    assert parse_marks(reply) == ()


def test_a_mark_said_twice_is_one() -> None:
    assert parse_marks('{"point_2d": [5, 6], "label": "pin"}' * 2) == (PIN,)


@given(st.text(alphabet='{}[]",:0123456789.- \nxy=<>/pointsbbox_2d', max_size=200))
def test_any_reply_gives_finite_ordered_marks_or_none(reply: str) -> None:
    for mark in parse_marks(reply):
        assert len(mark.xy) == (4 if mark.kind == "box" else 2)
        assert mark.kind == "point" or (mark.xy[0] <= mark.xy[2] and mark.xy[1] <= mark.xy[3])


def test_nesting_as_deep_as_a_reply_may_be_is_no_crash() -> None:
    assert parse_marks('{"a":' * 3000) == ()
    assert parse_marks("[" * 3000 + '{"point_2d": [5, 6], "label": "pin"}') == (PIN,)
