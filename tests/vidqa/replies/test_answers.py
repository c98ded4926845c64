"""An answer comes out as the model meant it, with the spans it cited and no others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidqa.replies import parse_answer
from vidqa.timeline import Span

MINUTE = Span(0.0, 60.0)


@pytest.mark.parametrize(
    ("reply", "answer", "evidence"),
    [
        ("Red.", "Red", []),
        ("Red", "Red", []),
        ("Red, in 3.0 - 7.5 seconds.", "Red", [(3, 7.5)]),
        ("Two, in 3.0 - 7.5, 10.0 - 12.5 seconds.", "Two", [(3, 7.5), (10, 12.5)]),
        ("<think>Blue? 1 to 2 s</think><answer>B</answer><glue>[(5.2, 10.4)]</glue>", "B",
         [(5.2, 10.4)]),
        ("<answer>C. the red car</answer>", "C. the red car", []),
        ('```json\n{"answer": "red", "evidence": [[3.0, 7.5]]}\n```', "red", [(3, 7.5)]),
        ('{"answer": 3}', "3", []),
        ('{"answer": ["red", "blue"]}', '["red", "blue"]', []),
        ("The score is 3-2.", "The score is 3-2", []),
        ("It opens from 3.0 to 7.5 seconds. Then it shuts.",
         "It opens from 3.0 to 7.5 seconds. Then it shuts.", [(3, 7.5)]),
        ("At 00:03 - 00:07 he leaves.<|im_end|>", "At 00:03 - 00:07 he leaves", [(3, 7)]),
        ("Yes, in 90.0 - 99.0 seconds.", "Yes", []),
        ("Yes, in the morning.", "Yes, in the morning", []),
        ('{"answer": "cut o', '{"answer": "cut o', []),
        ('<answer><point x="5" y="6">a</point></answer>', '<point x="5" y="6">a</point>', []),
    ],
)  # fmt: skip
def test_an_answer_is_read(reply: str, answer: str, evidence: list[tuple[float, float]]) -> None:
    parsed = parse_answer(reply, window=MINUTE)
    assert (parsed.outcome, parsed.answer) == ("found", answer)
    assert [(span.start_s, span.end_s) for span in parsed.evidence] == evidence
    assert parsed.raw == reply


@pytest.mark.parametrize("reply", ["", " ", "<think>hm", "<answer></answer>", "<|im_end|>", ".",
                                   '{"answer": null}'])  # fmt: skip
def test_no_answer_is_uncertain(reply: str) -> None:
    parsed = parse_answer(reply, window=MINUTE)
    assert (parsed.outcome, parsed.answer, parsed.parse_kind) == ("uncertain", "", "empty")


@pytest.mark.parametrize(
    "reply", ["I cannot determine that.", "It is unclear", "I don't know.", "Unable to tell."]
)
def test_a_model_that_cannot_tell_is_uncertain_in_its_own_words(reply: str) -> None:
    parsed = parse_answer(reply, window=MINUTE)
    assert (parsed.outcome, parsed.answer) == ("uncertain", reply.removesuffix("."))


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_any_reply_gives_an_answer_or_none(reply: str) -> None:
    parsed = parse_answer(reply, window=MINUTE)
    assert parsed.raw == reply
    assert bool(parsed.answer) or parsed.outcome == "uncertain"
    assert all(0 <= span.start_s < span.end_s <= 60 for span in parsed.evidence)
