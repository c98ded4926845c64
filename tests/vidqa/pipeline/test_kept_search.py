"""A search of a long video finds what earlier looks kept, key frames included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.seeing_engine import REACH
from tests.vidqa.pipeline.test_look import write_film
from tests.vidqa.pipeline.test_many import plain
from tests.vidqa.pipeline.test_seen import context, decoded, same
from vidqa.cache import RowStore
from vidqa.checkpoints import find_checkpoint
from vidqa.engine import Engine, open_engine
from vidqa.errors import CacheError
from vidqa.pipeline.ask import ask
from vidqa.pipeline.context import Context, StageClock, no_progress
from vidqa.pipeline.describe import describe
from vidqa.pipeline.ground import ground, ground_many
from vidqa.pipeline.look import Look, look_at
from vidqa.prefixes import PrefixMemory
from vidqa.results import Result

__all__ = ["decoded"]


@pytest.fixture(scope="module")
def engine(tiny_folder: Path) -> Engine:
    """Every query is looked at closely: nothing it says is sure."""
    made = open_engine(find_checkpoint(str(tiny_folder)), device="cpu")
    made.profile = replace(made.profile, reach=REACH, verify_choices=("A", "B"))
    return made


@pytest.fixture(params=[ground, ask, describe])
def asked(request: pytest.FixtureRequest) -> Callable[[Path, Context], Result]:
    def one(path: Path, ctx: Context) -> Result:
        words = [] if request.param is describe else ["a door opens"]
        result: Result = request.param(path, *words, ctx)
        return result

    return one


def test_a_second_search_decodes_nothing_and_answers_the_same(
    engine: Engine,
    clip: Path,
    tmp_path: Path,
    decoded: list[list[float]],
    asked: Callable[[Path, Context], Result],
) -> None:
    bare = asked(clip, context(engine, None))
    first = asked(clip, context(engine, tmp_path))
    decoded.clear()
    again = asked(clip, context(engine, tmp_path))
    assert decoded == []
    assert plain(bare) == plain(first) == plain(again)
    assert len(bare.provenance.passes) > 1
    states = [each.provenance.cache["features"] for each in (bare, first, again)]
    assert (states[0], states[1] in ("miss", "partial"), states[2]) == ("off", True, "hit")


def test_further_queries_of_one_call_find_the_skim_and_the_looks_in_memory(
    engine: Engine, clip: Path, tmp_path: Path
) -> None:
    first, second = ground_many(clip, ["x", "x"], context(engine, tmp_path))
    assert first.provenance.cache["features"] in ("miss", "partial")
    assert second.provenance.cache["features"] == "hit"


def test_a_search_tells_the_state_of_keys_and_values_before_it_asked(
    tiny_folder: Path, clip: Path
) -> None:
    folder = find_checkpoint(str(tiny_folder))
    mindful = open_engine(folder, device="cpu", prefixes=PrefixMemory(1 << 30))
    mindful.profile = replace(mindful.profile, reach=REACH)
    ctx = context(mindful, None)
    states = [ground(clip, "x", ctx).provenance.cache["prefix"] for _ in range(2)]
    assert states == ["miss", "hit"]


def test_what_cannot_be_kept_is_told_once_for_all_looks(
    engine: Engine, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CacheError("the disk is full", code="cache_unwritable", next_step="Free some.")

    monkeypatch.setattr(RowStore, "add", full)
    for result in ground_many(clip, ["x", "y"], context(engine, tmp_path)):
        notes = result.provenance.notes
        assert [n for n in notes if "disk" in n] == [
            "Vision tokens are not kept: the disk is full. Free some."
        ]


def test_rows_of_key_frames_are_known_by_the_times_of_the_frames_themselves(
    engine: Engine, tmp_path: Path, decoded: list[list[float]]
) -> None:
    film, ctx = write_film(tmp_path / "film.mp4"), context(engine, tmp_path / "kept")

    def seen(*seconds: float) -> Look:
        clock = StageClock(no_progress)
        return look_at(film, ctx, clock, start_s=None, end_s=None, seconds=seconds)

    first = seen(0.0, 1.0, 2.0, 3.0)
    assert (first.features, first.frames.pts_T.tolist()) == ("miss", [0.0, 1.0, 2.0, 3.0])
    decoded.clear()
    same(first, seen(0.0, 1.0, 2.0, 3.0))
    late = seen(0.05, 1.05, 2.05, 3.05)  # the same frames are on screen
    assert (late.features, late.frames.pts_T.tolist()) == ("hit", [0.0, 1.0, 2.0, 3.0])
    assert late.watched.run.row_seconds == (0.05, 2.05)
    assert decoded == []
    assert seen(0.0, 1.0, 2.0, 3.1).features == "partial"
    assert decoded == [[2.0, 3.1]]
