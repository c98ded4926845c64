"""Questions about a video longer than one pass is trusted with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.seeing_engine import REACH, SeeingEngine, seeing
from vidqa.effort import Effort
from vidqa.engine import Watched
from vidqa.pipeline.answering import moments_named, retimed
from vidqa.pipeline.ask import ask, ask_many
from vidqa.pipeline.context import Manner
from vidqa.reply import Choice
from vidqa.timeline import Span


def test_an_answer_from_windows_is_proved_by_a_close_look(clip: Path) -> None:
    ctx, _ = seeing((5.2, 5.9))
    result = ask(clip, "What turns on?", ctx)
    assert (result.outcome, result.answer) == ("found", "a light")
    span = result.evidence[0].span
    assert span.iou(Span(5.2, 5.9)) > 0.7
    assert result.evidence[0].evidence


def test_an_answer_from_everywhere_sees_the_moments_that_the_question_picks(clip: Path) -> None:
    ctx, _ = seeing((5.2, 5.9), reach=replace(REACH, whole=True))
    result = ask(clip, "What turns on?", ctx)
    asked = next(each for each in result.provenance.passes if each.stage == "ask")
    assert (asked.span.start_s, asked.span.end_s) == (0.0, 8.0)
    assert result.answer == "a light"
    assert result.evidence[0].span.overlaps(Span(5.2, 5.9))


def test_a_cited_span_that_no_close_look_confirms_is_dropped_and_told(clip: Path) -> None:
    ctx, engine = seeing()
    engine._said = lambda *_: "a light, in 1.0 - 2.0 seconds."  # type: ignore[method-assign]
    result = ask(clip, "What turns on?", ctx)
    assert result.evidence == ()
    note = "Spans that the answer cited and no close look confirmed: 1."
    assert result.provenance.notes == (note,)


def test_an_answer_that_cites_nothing_has_nothing_unconfirmed(clip: Path) -> None:
    ctx, engine = seeing()
    engine._said = lambda *_: "A light."  # type: ignore[method-assign]
    result = ask(clip, "What turns on?", ctx)
    assert (result.answer, result.evidence, result.provenance.notes) == ("A light", (), ())
    assert [each.stage for each in result.provenance.passes].count("zoom") == 1


def test_of_two_cited_spans_the_one_that_does_not_hold_is_counted(clip: Path) -> None:
    ctx, engine = seeing((5.2, 5.9), reach=replace(REACH, whole=True))
    usual = engine._said

    def said(words: str, watched: Watched) -> str:
        asked = words.startswith("What turns on")
        return "a light, in 0.5 - 1.0, 5.2 - 5.9 seconds." if asked else usual(words, watched)

    engine._said = said  # type: ignore[method-assign]
    result = ask(clip, "What turns on?", ctx)
    assert [each.span.overlaps(Span(5.2, 5.9)) for each in result.evidence] == [True]
    assert "no close look confirmed: 1." in result.provenance.notes[0]


def test_a_moment_that_the_question_names_is_looked_at_first(clip: Path) -> None:
    ctx, engine = seeing((1.0, 2.0))
    ask(clip, "What happens at 6.5 seconds?", ctx)
    told = [words for words in engine.asked if words.startswith("What happens")]
    assert told == ["What happens at 2.5 seconds?\nAnswer briefly."]


def test_only_times_inside_the_window_are_counted_from_its_start() -> None:
    window = Span(3600.0, 3632.0)
    assert retimed("What is at 1:00:10?", window) == "What is at 10.0 seconds?"
    assert retimed("Are there 2 dogs at 5 s?", window) == "Are there 2 dogs at 5 s?"
    assert moments_named("from 1:00:10 on, 3 dogs", Span(0.0, 7200.0)) == [3610.0]


def test_all_questions_share_one_skim_and_the_looks(clip: Path) -> None:
    ctx, engine = seeing((5.2, 5.9))
    ask(clip, "What turns on?", ctx)
    alone = engine.looks
    ctx, engine = seeing((5.2, 5.9))
    heard: list[str] = []
    results = ask_many(
        clip, ["What turns on?", "What turns on?"], ctx, manner=Manner(on_text=heard.append)
    )
    assert [each.answer for each in results] == ["a light"] * 2
    assert results[0].evidence == results[1].evidence
    assert (engine.looks, engine.vectors, heard) == (alone, [3], [])


def late_after(looks: int, engine: SeeingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is up as soon as so many looks were made."""
    ended = property(lambda timer: "deadline" if engine.looks >= looks else None)
    monkeypatch.setattr("vidqa.pipeline.ledger.Timer.ended", ended)


def test_an_answer_is_kept_when_time_is_up_before_its_proof(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, engine = seeing((0.2, 7.8))
    whole = ask(clip, "What turns on?", ctx)
    done = [0]
    engine.looks = 0
    usual = engine.choose

    def choose(*args: object) -> Choice:
        done[0] += 1  # the first window was asked and confirmed: time is up
        return usual(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "choose", choose)
    ended = property(lambda timer: "deadline" if done[0] else None)
    monkeypatch.setattr("vidqa.pipeline.ledger.Timer.ended", ended)
    late = ask(clip, "What turns on?", ctx)
    assert (late.outcome, late.answer, late.evidence) == ("found", whole.answer, ())
    assert (late.provenance.ended_early, engine.looks) == ("deadline", 2)


def test_words_broken_off_by_a_deadline_are_told_and_open(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, engine = seeing((0.2, 7.8))
    late_after(2, engine, monkeypatch)  # the skim, and a window
    result = ask(clip, "What turns on?", ctx)
    assert (result.outcome, result.provenance.ended_early) == ("uncertain", "deadline")
    assert result.evidence == ()


def test_a_deadline_leaves_a_question_open(clip: Path) -> None:
    ctx, _ = seeing((5.2, 5.9))
    result = ask(clip, "What turns on?", ctx, effort=Effort(deadline_s=1e-9))
    assert (result.outcome, result.provenance.ended_early) == ("uncertain", "deadline")
