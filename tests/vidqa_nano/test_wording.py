"""Nano is trained on exactly the words that the product says and reads."""

from __future__ import annotations

import numpy as np

from vidqa.profiles import NANO
from vidqa.prompts import ask_text, ground_text, verify_text
from vidqa.replies import format_spans, parse_answer, parse_spans
from vidqa.replies.pairs import range_pairs
from vidqa.timeline import Span
from vidqa_nano.asking import ASKED, pose
from vidqa_nano.clips import Clips
from vidqa_nano.questions import Sides
from vidqa_nano.windows import cast_of, cut_sample, whole_window
from vidqa_nano.wording import (
    ASK,
    GROUND,
    SYSTEM,
    VERIFY,
    ask_reply,
    describe_reply,
    ground_reply,
    read_events,
    read_spans,
)

WINDOW = Span(0.0, 200.0)


def test_prompts_are_the_products() -> None:
    assert GROUND.format(query="it rains") == ground_text("it rains", NANO)
    assert VERIFY.format(query="it rains") == verify_text("it rains", NANO)
    assert ASK.format(question="Does it rain?") == ask_text("Does it rain?", NANO)
    assert NANO.system == SYSTEM


def test_replies_are_the_products() -> None:
    for spans in ([], [(3.0, 7.5)], [(0.0, 2.25), (10.0, 12.5)]):
        assert ground_reply(spans) == format_spans(spans)


def test_a_reply_is_read_back() -> None:
    assert read_spans(ground_reply([(10.0, 12.5), (3.0, 7.5)])) == [(3.0, 7.5), (10.0, 12.5)]
    assert read_spans(ground_reply([])) == []


def test_an_answer_may_say_when() -> None:
    assert ask_reply("Yes", [(3.0, 7.5)]) == "Yes, in 3.0 - 7.5 seconds."
    assert ask_reply("Red") == "Red."


def test_every_reply_is_read_by_the_product_as_it_was_meant(clips: Clips) -> None:
    rng, story = np.random.default_rng(0), clips.stories[0]
    window = whole_window(story)
    cut = cut_sample(clips, 0, window, rng, 0)
    cast = cast_of(story, window)
    for question in pose(cut.events, cast, rng, 120):
        spans = [(round(start, 1), round(end, 1)) for start, end in question.spans]
        if question.task == "ground":
            found = parse_spans(question.reply, window=WINDOW)
            assert [(s.start_s, s.end_s) for s in found.spans] == spans
            assert found.outcome == ("found" if spans else "not_found")
        if question.task == "ask":
            answer = parse_answer(question.reply, window=WINDOW)
            assert [(s.start_s, s.end_s) for s in answer.evidence] == spans
            assert answer.outcome == "found"


def test_every_kind_of_free_question_comes_up(clips: Clips) -> None:
    rng, story = np.random.default_rng(0), clips.stories[0]
    cut = cut_sample(clips, 0, whole_window(story), rng, 0)
    sides = Sides.of(cut.events, rng)
    for name, (_, ask) in ASKED.items():
        asked = [ask(sides, [("ball", "red"), ("person", "blue")], rng) for _ in range(20)]
        assert any(asked), name


def test_a_list_of_events_has_a_line_an_event_that_reads_back() -> None:
    events = [(10.0, 12.5, "red ball bounces"), (3.0, 7.5, "person opens door")]
    reply = describe_reply(events)
    assert reply.splitlines()[0] == "3.0 - 7.5 seconds, person opens door."
    assert read_events(reply) == sorted(events)
    assert range_pairs(reply.splitlines()[1], only_timed=True) == [(10.0, 12.5)]
    assert read_events(describe_reply([])) == []
