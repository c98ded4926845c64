"""Chapters of videos of any length."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.scripted_engine import context_saying
from tests.seeing_engine import REACH, seeing
from vidqa.effort import Effort
from vidqa.errors import VideoError
from vidqa.pipeline.describe import describe, joined_chapters
from vidqa.results import Chapter
from vidqa.timeline import Span


def test_an_event_over_the_border_of_two_windows_is_one_chapter(clip: Path) -> None:
    ctx, _ = seeing((1.0, 2.0), (3.5, 5.0))
    result = describe(clip, ctx)
    spans = [chapter.span for chapter in result.chapters]
    assert spans == [Span(1.0, 2.0), Span(3.5, 5.0)]
    assert {chapter.text for chapter in result.chapters} == {"light turns on"}
    assert result.provenance.coverage.fraction == 1.0
    assert [each.count for each in result.provenance.passes] == [1, 1]


def test_a_quiet_video_has_no_chapters_and_says_so(clip: Path) -> None:
    ctx, _ = seeing()
    assert describe(clip, ctx).outcome == "not_found"


def test_an_unreadable_description_is_told(clip: Path) -> None:
    ctx, _ = context_saying("A nice film.")
    result = describe(clip, ctx)
    assert result.outcome == "uncertain"
    assert "could not be read: 1" in result.provenance.notes[0]


def test_few_passes_make_longer_windows_where_the_checkpoint_bears_it(clip: Path) -> None:
    whole = replace(REACH, whole=True, one_pass_s=2.0)
    ctx, _ = seeing((3.5, 5.0), reach=whole)
    assert len(describe(clip, ctx, effort=Effort(passes=2)).provenance.passes) == 2
    ctx, _ = seeing((3.5, 5.0))
    result = describe(clip, ctx, effort=Effort(passes=1))
    assert (result.provenance.ended_early, len(result.chapters)) == ("passes", 1)


def test_where_nothing_was_looked_at_nothing_is_said_of_its_kind(clip: Path) -> None:
    ctx, engine = seeing()
    engine.familiar, engine.knows = object(), False
    told = describe(clip, ctx, effort=Effort(deadline_s=1e-9)).provenance
    assert (told.familiar, told.ended_early) == (None, "deadline")
    assert describe(clip, ctx).provenance.familiar is False


def test_an_image_has_no_chapters(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "a.png"
    Image.new("RGB", (64, 64)).save(path)
    ctx, _ = seeing()
    with pytest.raises(VideoError, match="no time"):
        describe(path, ctx)


def test_chapters_of_other_words_or_apart_stay_two() -> None:
    def chapter(start_s: float, end_s: float, text: str) -> Chapter:
        return Chapter(span=Span(start_s, end_s), text=text, score=0.5, precision_s=1.0)

    apart = [chapter(0, 2, "a"), chapter(4, 6, "a"), chapter(6, 8, "b")]
    assert joined_chapters(apart) == apart
    assert [c.span for c in joined_chapters([chapter(0, 4, "A"), chapter(4, 6, "a")])] == [
        Span(0, 6)
    ]
