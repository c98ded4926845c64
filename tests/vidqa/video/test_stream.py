"""A film streamed: the pictures that reading gives, in order, with little in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clips
import numpy as np
import pytest

from vidqa.errors import VideoError
from vidqa.video import Limits, PictureStream, Wish, media, open_reader, read_frames, study_film
from vidqa.video.stream import CHANNEL_PICTURES, _Painter

Clip = Callable[[str], Path]


def clock(duration_s: float, step_s: float = 0.1) -> list[float]:
    return np.arange(0, duration_s, step_s).tolist()


@pytest.mark.parametrize(("reader", "threads"), [("pyav", 1), ("pyav", 3), ("isolated", 2)])
@pytest.mark.parametrize("name", sorted(clips.BY_NAME))
def test_a_stream_has_the_pictures_that_reading_gives_bit_for_bit(
    clip: Clip, name: str, reader: str, threads: int
) -> None:
    film = media(reader).study(clip(name))
    asked = clock(film.clock.duration_s)
    read = read_frames(film.path, asked, (28, 56))

    wish = Wish(seconds_T=asked, size=(28, 56))
    with media(reader).stream(film, wish, threads=threads) as stream:
        shown = list(stream)

    assert [each.number for each in shown] == list(range(len(asked)))
    np.testing.assert_array_equal([each.pts_s for each in shown], read.pts_T)
    np.testing.assert_array_equal(np.stack([each.rgb_hwC for each in shown]), read.rgb_THWC)
    assert stream.unreadable_from_s is None


def test_only_the_times_that_ask_for_it_get_the_second_size(clip: Clip) -> None:
    film = study_film(clip("b_frames.mp4"))
    wish = Wish(seconds_T=[0.0, 0.01, 0.4], size=(28, 28), large=[1], large_size=(32, 48))
    with PictureStream(film, wish) as stream:
        sizes = [None if each.large_hwC is None else each.large_hwC.shape for each in stream]
    assert sizes == [None, (32, 48, 3), None]


def test_damaged_files_give_what_reading_gives(
    corpus: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, rows = corpus
    tried = 0
    for row in rows:
        try:
            film = study_film(folder / row["name"])
            if film.clock.duration_s > 120:  # what a broken time stamp makes of seconds
                continue
            asked = clock(film.clock.duration_s, 0.5)
            read = open_reader(film.path).read_frames(asked, (28, 28))
        except VideoError:
            continue
        with PictureStream(film, Wish(seconds_T=asked, size=(28, 28)), threads=2) as stream:
            shown = list(stream)
        assert [each.pts_s for each in shown] == read.pts_T.tolist(), row["name"]
        assert stream.unreadable_from_s == read.unreadable_from_s, row["name"]
        if shown:
            pixels = np.stack([each.rgb_hwC for each in shown])
            np.testing.assert_array_equal(pixels, read.rgb_THWC, row["name"])
        tried += 1
    assert tried > 20


@pytest.mark.parametrize(("keys", "most"), [("999", CHANNEL_PICTURES + 2), ("10", 6 * 40)])
def test_threads_wait_when_they_are_far_ahead_and_end_when_the_stream_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, most: int
) -> None:
    recipe = clips.Recipe("many.mp4", "libx264", clips.steady(400), {"g": keys, "preset": "fast"})
    film = study_film(clips.write_clip(tmp_path, recipe))
    asked = clock(film.clock.duration_s, 0.04)
    painted = threading.Semaphore(0)
    real = _Painter.paint

    def counted(self: _Painter, *args: Any) -> None:
        painted.release()
        real(self, *args)

    monkeypatch.setattr(_Painter, "paint", counted)
    with PictureStream(film, Wish(seconds_T=asked, size=(8, 8)), threads=2) as stream:
        next(iter(stream))
        done = 0
        while painted.acquire(timeout=0.5):
            done += 1
    assert 32 < done <= most
    assert not [t for t in threading.enumerate() if t.name.startswith("vidqa-stream")]


def test_what_fails_in_a_thread_is_raised_to_whoever_reads(clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / "gone.mp4"
    path.write_bytes(clip("b_frames.mp4").read_bytes())
    film = study_film(path)
    path.unlink()
    with (
        PictureStream(film, Wish(seconds_T=[0.0], size=(8, 8))) as stream,
        pytest.raises(VideoError, match="no such file"),
    ):
        list(stream)


def test_time_spent_waiting_for_the_reader_does_not_count_against_the_file(tmp_path: Path) -> None:
    recipe = clips.Recipe("slow.mp4", "libx264", clips.steady(200), {"g": "999", "preset": "fast"})
    path = clips.write_clip(tmp_path, recipe)
    film = study_film(path, Limits(decode_s=0.5, decode_s_per_packet=0.0))
    asked = clock(film.clock.duration_s, 0.04)
    with PictureStream(film, Wish(seconds_T=asked, size=(8, 8))) as stream:
        pictures = iter(stream)
        next(pictures)
        threading.Event().wait(1.0)
        assert len(list(pictures)) == len(asked) - 1
