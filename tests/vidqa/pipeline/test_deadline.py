"""A deadline on one pass: what was said by then, marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripted_engine import context_saying
from tests.vidqa.pipeline.test_seen import context
from vidqa.checkpoints import find_checkpoint
from vidqa.effort import Effort
from vidqa.engine import open_engine
from vidqa.pipeline.ask import ask, ask_many
from vidqa.pipeline.context import Manner
from vidqa.pipeline.ground import ground, ground_many
from vidqa.pipeline.ledger import Timer, speak_until
from vidqa.reply import OnText, Reply

FOUND = "The given query happens in 2.0 - 3.5 seconds."
LATE = Effort(deadline_s=1e-9)


def test_a_late_question_about_a_short_video_is_open_and_says_why(clip: Path) -> None:
    ctx, engine = context_saying(FOUND)
    for result in (ground(clip, "q", ctx, effort=LATE), ask(clip, "q?", ctx, effort=LATE)):
        told = result.provenance
        assert (result.outcome, told.ended_early) == ("uncertain", "deadline")
        assert "time was up" in told.notes[0]
    assert engine.asked == []


def test_of_many_late_questions_none_is_asked_and_all_say_why(clip: Path) -> None:
    ctx, engine = context_saying(FOUND)
    for result in (
        *ground_many(clip, ["a", "b"], ctx, effort=LATE),
        *ground_many(clip, ["a", "b"], ctx, effort=LATE, strict=True),
        *ask_many(clip, ["a", "b"], ctx, effort=LATE),
    ):
        assert (result.outcome, result.provenance.ended_early) == ("uncertain", "deadline")
    assert engine.asked == []


def test_words_of_a_batch_that_came_in_time_are_kept(
    tiny_folder: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context(open_engine(find_checkpoint(str(tiny_folder)), device="cpu"), None)
    whole = ask_many(clip, ["a", "bb", "a"], ctx, manner=Manner(max_tokens=9))
    lengths = iter(range(100))  # asked once before the batch, and after every token
    ended = property(lambda timer: "deadline" if next(lengths) >= 4 else None)
    monkeypatch.setattr("vidqa.pipeline.ledger.Timer.ended", ended)
    parts = ask_many(clip, ["a", "bb", "a"], ctx, manner=Manner(max_tokens=9))
    assert {each.provenance.ended_early for each in parts} == {"deadline"}
    for part, full in zip(parts, whole, strict=True):
        assert full.provenance.reply.startswith(part.provenance.reply)
        assert 0 < len(part.provenance.reply) < len(full.provenance.reply)


def test_a_question_in_time_is_not_marked(clip: Path) -> None:
    ctx, _ = context_saying(FOUND)
    result = ground(clip, "q", ctx, effort=Effort(deadline_s=1e6))
    assert (result.outcome, result.provenance.ended_early) == ("found", None)


@pytest.mark.parametrize("words", [0, 1, 3])
def test_words_that_came_in_time_are_kept(words: int) -> None:
    now = [0.0]

    def speak(hear: OnText) -> Reply:
        for number, piece in enumerate(("a", "b", "c", "d")):
            now[0] = float(number + 1)
            hear(piece)
        raise AssertionError("nobody ended it")

    timer = Timer(Effort(deadline_s=float(words) or 1e-9), now=lambda: now[0])
    now[0] = 0.0 if words else 1.0
    reply, why = speak_until(timer, lambda _: None, speak)
    assert (reply.text, reply.cut_short, why) == ("abcd"[:words], True, "deadline")
