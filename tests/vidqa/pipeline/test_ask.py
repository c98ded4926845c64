"""Asking: an answer in words, and the spans it rests on as seconds of the video."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwen25vl import Sampling
from tests.scripted_engine import context_saying
from vidqa.pipeline.ask import ask
from vidqa.pipeline.context import Manner
from vidqa.pipeline.verify import verify
from vidqa.prompts import verify_text
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


def test_a_caller_says_how_the_answer_is_spoken_and_reads_it_as_it_comes(clip: Path) -> None:
    ctx, engine = context_saying("Red.")
    drawn, heard = Sampling(temperature=0.7, seed=3), list[str]()
    manner = Manner(
        system="Be brief.", sampling=drawn, max_tokens=9, stop=("\n",), on_text=heard.append
    )
    result = ask(clip, "Which colour?", ctx, manner=manner)
    assert engine.told == [{"sampling": drawn, "stop": ("\n",), "limit": 9, "system": "Be brief."}]
    assert heard == ["R", "e", "d", "."]
    assert result.provenance.notes == ("The reply was drawn at temperature 0.7, seed 3.",)


@pytest.mark.parametrize("sampling", [None, Sampling(seed=3)])
def test_a_reply_of_the_most_probable_tokens_needs_no_note(
    clip: Path, sampling: Sampling | None
) -> None:
    ctx, engine = context_saying("Red.")
    result = ask(clip, "Which colour?", ctx, manner=Manner(sampling=sampling))
    assert result.provenance.notes == ()
    assert engine.told[0]["system"] == "You are a helpful assistant."


def test_progress_counts_the_tokens_of_the_answer_up_to_the_most_there_may_be(clip: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    ctx, _ = context_saying("Red", progress=lambda *step: seen.append(step))
    ask(clip, "Which colour?", ctx, manner=Manner(max_tokens=3))
    assert seen[-4:] == [("text", done, 3) for done in (0, 1, 2, 3)]


def test_a_query_is_verified_by_the_chance_of_a_yes(clip: Path) -> None:
    ctx, engine = context_saying("")
    assert verify(clip, "person opens door", ctx, start_s=2.0) == 0.75
    assert engine.asked == [verify_text("person opens door"), "A", "B"]
