"""A second look decodes and encodes only what the first did not, and says the same to the bit."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import av
import numpy as np
import pytest

from tests.vidqa.pipeline.test_look import write_film
from vidqa.cache import CacheFolder, RowStore
from vidqa.checkpoints import find_checkpoint
from vidqa.engine import Engine, open_engine
from vidqa.errors import CacheError
from vidqa.pipeline.context import Context, StageClock, no_progress
from vidqa.pipeline.ground import ground
from vidqa.pipeline.look import Look, look_at
from vidqa.pipeline.planning import Sampling
from vidqa.profiles import TIMELENS
from vidqa.sampling import Budget
from vidqa.timeline import Span
from vidqa.video import KnownFiles
from vidqa.video.pyav_reader import PyavReader

BUDGET = Budget(frames=64, fixed_size=(56, 56))


@pytest.fixture(scope="module")
def engine(tiny_folder: Path) -> Engine:
    return open_engine(find_checkpoint(str(tiny_folder)), device="cpu")


def context(engine: Engine, folder: Path | None) -> Context:
    """As of a fresh process; ``None`` keeps nothing."""
    grid = find_checkpoint("nano").grid
    return Context(
        engine=engine,
        sampling=Sampling(budget=BUDGET, grid=grid),
        features=None if folder is None else RowStore(CacheFolder(folder, 1 << 30)),
        files=KnownFiles(clock=lambda: time.time() + 10),
    )


def look(
    path: Path, ctx: Context, start_s: float | None = None, end_s: float | None = None
) -> Look:
    return look_at(path, ctx, StageClock(no_progress), start_s=start_s, end_s=end_s)


@pytest.fixture
def decoded() -> Iterator[list[list[float]]]:
    """The seconds of every reading of frames."""
    asked: list[list[float]] = []
    real = PyavReader.read_frames

    def spied(self: PyavReader, seconds: list[float], size: tuple[int, int]) -> object:
        asked.append(list(seconds))
        return real(self, seconds, size)

    with mock.patch.object(PyavReader, "read_frames", spied):
        yield asked


def same(one: Look, other: Look) -> None:
    """Tokens, times, evidence: equal to the bit."""
    assert np.array_equal(one.watched.row_bytes(), other.watched.row_bytes())
    assert one.watched.run == other.watched.run
    assert one.frames.pts_T.tolist() == other.frames.pts_T.tolist()
    assert one.evidence(Span(1.0, 3.0)) == other.evidence(Span(1.0, 3.0))
    assert (one.video, one.coverage, one.cost("x")) == (
        other.video,
        other.coverage,
        other.cost("x"),
    )


def alike(one: Look, other: Look) -> None:
    """The same but for rounding: the tower was given other numbers of rows at once."""
    tokens = [each.watched.tokens_MD.numpy() for each in (one, other)]
    assert np.allclose(*tokens, rtol=0, atol=1e-6)
    same(replace(one, watched=other.watched), other)


def test_a_second_look_decodes_nothing_and_sees_the_same(
    engine: Engine, clip: Path, tmp_path: Path, decoded: list[list[float]]
) -> None:
    without = look(clip, context(engine, None))
    first = look(clip, context(engine, tmp_path))
    del decoded[:]
    second = look(clip, context(engine, tmp_path))
    assert [each.features for each in (without, first, second)] == ["off", "miss", "hit"]
    assert decoded == []
    same(without, first)
    same(first, second)


def test_a_window_that_reaches_further_decodes_only_what_is_new(
    engine: Engine, clip: Path, tmp_path: Path, decoded: list[list[float]]
) -> None:
    """2 frames a second: the first window has rows at 0, 1, 2, 3 s, the second 2 to 5 s."""
    look(clip, context(engine, tmp_path), 0.0, 4.0)
    del decoded[:]
    part = look(clip, context(engine, tmp_path), 2.0, 6.0)
    assert (part.features, decoded) == ("partial", [[4.0, 4.5, 5.0, 5.5]])
    alike(part, look(clip, context(engine, None), 2.0, 6.0))
    del decoded[:]
    assert look(clip, context(engine, tmp_path), 3.0, 5.0).features == "hit"
    assert decoded == []


def test_a_copy_of_the_file_under_another_name_is_the_same_video(
    engine: Engine, clip: Path, tmp_path: Path
) -> None:
    look(clip, context(engine, tmp_path / "cache"))
    copy = Path(shutil.copy(clip, tmp_path / "copy.mp4"))
    assert look(copy, context(engine, tmp_path / "cache")).features == "hit"


def test_another_video_size_type_weights_or_way_to_tell_time_looks_anew(
    engine: Engine, tiny_folder: Path, clip: Path, tmp_path: Path
) -> None:
    ctx = context(engine, tmp_path / "cache")
    look(clip, ctx)
    film = write_film(tmp_path / "film.mp4")
    assert look(film, ctx).features == "miss"
    larger = replace(ctx.sampling, budget=replace(BUDGET, fixed_size=(84, 56)))
    assert look(clip, replace(ctx, sampling=larger)).features == "miss"
    checkpoint = find_checkpoint(str(tiny_folder))
    others = [
        open_engine(checkpoint, device="cpu", dtype="bfloat16"),
        open_engine(checkpoint, device="cpu", weights="int8"),
        open_engine(replace(checkpoint, profile=TIMELENS), device="cpu"),
        changed(open_engine(checkpoint, device="cpu")),
    ]
    for other in others:
        states = [look(clip, replace(ctx, engine=other)).features for _ in range(2)]
        assert states == ["miss", "hit"]
    assert look(clip, ctx).features == "hit"


def changed(engine: Engine) -> Engine:
    """The same tower but for one bit of one weight."""
    bias = engine._model.vision.blocks[0].attn.proj.bias
    bias.data[0] = float(np.nextafter(np.float32(bias[0].item()), np.float32(9)))
    return engine


def test_answers_are_the_same_with_and_without_and_say_what_was_kept(
    engine: Engine, clip: Path, tmp_path: Path
) -> None:
    told = [ground(clip, "q", context(engine, folder)) for folder in (None, tmp_path, tmp_path)]
    assert [each.provenance.cache["features"] for each in told] == ["off", "miss", "hit"]
    plain = [
        {k: v for k, v in each.to_dict().items() if k not in ("cache", "timings")} for each in told
    ]
    assert plain[0] == plain[1] == plain[2]
    assert told[2].provenance.timings["decode_s"] < told[1].provenance.timings["decode_s"]


def test_a_damaged_file_of_the_cache_costs_time_and_nothing_else(
    engine: Engine, clip: Path, tmp_path: Path
) -> None:
    first = look(clip, context(engine, tmp_path))
    (path,) = tmp_path.rglob("*.vq")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    again = look(clip, context(engine, tmp_path))
    assert again.features == "miss"
    same(first, again)
    assert look(clip, context(engine, tmp_path)).features == "hit"


@pytest.mark.parametrize("method", ["recall", "add"])
def test_a_cache_that_cannot_be_used_is_told_in_a_note_and_the_answer_stands(
    engine: Engine, clip: Path, tmp_path: Path, method: str
) -> None:
    without = ground(clip, "q", context(engine, None)).to_dict()
    fault = CacheError("the cache is full", code="cache_unwritable", next_step="Make room.")
    with mock.patch.object(RowStore, method, side_effect=fault):
        told = ground(clip, "q", context(engine, tmp_path)).to_dict()
    assert told["cache"] == {"features": "miss", "prefix": "off"}
    assert told["notes"] == [
        *without["notes"],  # type: ignore[misc]
        "Vision tokens are not kept: the cache is full. Make room.",
    ]
    assert told["reply"] == without["reply"]


def test_a_tail_that_does_not_decode_is_told_alike_with_and_without(
    engine: Engine, tmp_path: Path
) -> None:
    film = spoil(write_film(tmp_path / "film.mp4"), 2.0)
    cache = tmp_path / "cache"
    windows = ((None, None), (None, 2.0), (None, None), (1.0, 4.0))
    for start_s, end_s in windows:
        without = look(film, context(engine, None), start_s, end_s)
        kept = look(film, context(engine, cache), start_s, end_s)
        same(without, kept)
        assert kept.features == "miss"
        assert kept.unreadable_from_s == without.unreadable_from_s
    assert look(film, context(engine, cache), None, 2.0).features == "hit"


def spoil(path: Path, from_s: float) -> Path:
    """Packets from there on are not pictures any more."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            pts, pos = packet.pts, packet.pos
            if pos is not None and pts is not None and pts * packet.time_base >= from_s:
                data[pos : pos + packet.size] = bytes(packet.size)
    path.write_bytes(data)
    return path


def test_nothing_is_kept_of_a_file_that_changes_while_it_is_read(
    engine: Engine, clip: Path, tmp_path: Path
) -> None:
    film, cache = Path(shutil.copy(clip, tmp_path / "film.mp4")), tmp_path / "cache"
    ctx = context(engine, cache)
    real = PyavReader.read_frames

    def touched(self: PyavReader, seconds: list[float], size: tuple[int, int]) -> object:
        time.sleep(0.02)
        film.touch()
        return real(self, seconds, size)

    with mock.patch.object(PyavReader, "read_frames", touched):
        assert look(film, ctx).features == "miss"
    assert list(cache.rglob("*.vq")) == []
