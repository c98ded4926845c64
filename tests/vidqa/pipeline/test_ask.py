"""Asking: an answer in words, and the spans it rests on as seconds of the video."""

from __future__ import annotations

from pathlib import Path

from tests.scripted_engine import context_saying
from vidqa.pipeline.ask import ask
from vidqa.timeline import Span


def test_an_answer_with_its_evidence_is_moved_to_the_time_of_the_video(clip: Path) -> None:
    ctx, engine = context_saying("Red, in 1.0 - 2.5 seconds.")
    result = ask(clip, "Which colour?", ctx, start_s=4.0)
    assert (result.outcome, result.answer) == ("found", "Red")
    assert [segment.span for segment in result.evidence] == [Span(5.0, 6.5)]
    assert engine.asked == ["Which colour?\nAnswer briefly."]


def test_an_answer_without_times_has_no_evidence(clip: Path) -> None:
    ctx, _ = context_saying("Twice.")
    result = ask(clip, "How often?", ctx)
    assert (result.answer, result.evidence) == ("Twice", ())


def test_an_empty_reply_is_uncertain(clip: Path) -> None:
    ctx, _ = context_saying("   ")
    result = ask(clip, "How often?", ctx)
    assert (result.outcome, result.answer) == ("uncertain", "")
