"""Nano is trained on exactly the words that the product says and reads."""

from __future__ import annotations

from vidqa.profiles import NANO
from vidqa.prompts import ask_text, ground_text, verify_text
from vidqa.replies import format_spans
from vidqa_nano.wording import ASK, GROUND, SYSTEM, VERIFY, ask_reply, ground_reply, read_spans


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
