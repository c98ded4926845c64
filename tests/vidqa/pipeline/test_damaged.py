"""A long video with a tail that does not decode: answers from what is before it, the tail told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.seeing_engine import REACH, seeing
from tests.vidqa.pipeline.test_look import spoil, write_film
from vidqa.effort import Effort
from vidqa.errors import VideoError
from vidqa.pipeline.ask import ask
from vidqa.pipeline.context import Context
from vidqa.pipeline.describe import describe
from vidqa.pipeline.ground import ground
from vidqa.results import Result
from vidqa.timeline import Span

EVENT = (1.2, 2.0)
Way = Callable[..., Result]


def thorough(path: Path, ctx: Context, **edges: float) -> Result:
    return ground(path, "q", ctx, effort=Effort(thorough=True), **edges)


def searched(path: Path, ctx: Context, **edges: float) -> Result:
    return ground(path, "q", ctx, **edges)


def answered(path: Path, ctx: Context, **edges: float) -> Result:
    return ask(path, "What turns on?", ctx, **edges)


WAYS: list[Way] = [describe, thorough, searched, answered]


@pytest.fixture(scope="module", params=[3.5, 4.0])
def damaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds in the index, whose pictures end inside a window, or where one begins."""
    film = write_film(tmp_path_factory.mktemp("film") / f"{request.param}.mp4", frames=80, grey=2)
    return spoil(film, from_s=request.param)


@pytest.mark.parametrize("frames", [768, 8], ids=["skim in one look", "skim in many"])
@pytest.mark.parametrize("way", WAYS)
def test_what_decodes_is_answered_from_and_the_tail_is_told(
    damaged: Path, way: Way, frames: int
) -> None:
    ctx, _ = seeing(EVENT, frames=frames)
    result = way(damaged, ctx)
    told, tail_s = result.provenance, float(damaged.stem)
    assert result.outcome == "found"
    assert result.segments[0].span.overlaps(Span(*EVENT))
    assert (told.coverage.span, told.coverage.unreadable_from_s) == (Span(0.0, tail_s), tail_s)
    assert told.coverage.fraction == pytest.approx(tail_s / 8.0)
    assert told.notes == (f"The file does not decode from {tail_s:.3f} s on.",)
    assert told.ended_early is None


def test_an_answer_from_everywhere_tells_the_tail_too(damaged: Path) -> None:
    ctx, _ = seeing(EVENT, reach=replace(REACH, whole=True), frames=8)
    told = answered(damaged, ctx).provenance
    assert told.coverage.unreadable_from_s == float(damaged.stem)


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_decodes_that_is_an_error(damaged: Path, way: Way) -> None:
    with pytest.raises(VideoError, match="no picture decodes from") as caught:
        way(damaged, seeing(EVENT)[0], start_s=4.5)
    assert (caught.value.code, caught.value.unreadable_from_s) == (
        "undecodable",
        float(damaged.stem),
    )


def test_the_tail_is_tried_once_and_not_by_every_window(damaged: Path) -> None:
    ctx, engine = seeing(EVENT, reach=replace(REACH, window_s=1.0))
    describe(damaged, ctx)
    assert engine.looks == 4
