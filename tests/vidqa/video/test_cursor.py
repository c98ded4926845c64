"""Going over gaps: wherever a seek lands, the packet handed out is the one asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import clips
import numpy as np
import pytest

from vidqa.video import cursor as cursor_module
from vidqa.video import read_frames
from vidqa.video.cursor import PacketCursor
from vidqa.video.film import study_film

Clip = Callable[[str], Path]
SEEKABLE = [r.name for r in clips.RECIPES if r.name.endswith((".mp4", ".mkv", ".webm"))]


@pytest.fixture
def always_seeks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor_module, "SEEK_BYTES", 0)


@pytest.mark.usefixtures("always_seeks")
@pytest.mark.parametrize("name", SEEKABLE)
def test_packets_after_a_seek_are_those_of_the_index(clip: Clip, name: str) -> None:
    film = study_film(clip(name))
    keys = film.index.keys.tolist()
    with PacketCursor(film) as cursor:
        for first in [*keys, *reversed(keys)]:
            number, packet = next(iter(cursor.packets(first, first)))
            assert (number, packet.pts) == (first, film.index.pts_P[first])


@pytest.mark.usefixtures("always_seeks")
@pytest.mark.parametrize("name", SEEKABLE)
def test_frames_are_exact_over_seeks(clip: Clip, name: str) -> None:
    seconds = np.array(clips.BY_NAME[name].seconds)
    numbers = [0, len(seconds) // 2, len(seconds) - 1]
    film = study_film(clip(name))
    size = film.size[::-1]
    frames = read_frames(clip(name), film.clock.seconds_each[numbers], size)
    assert [clips.number_on(rgb) for rgb in frames.rgb_THWC] == numbers


def test_packets_come_in_order_and_end_with_the_file(clip: Clip) -> None:
    film = study_film(clip("b_frames.ts"))
    with PacketCursor(film) as cursor:
        assert [number for number, _ in cursor.packets(5, 9)] == [5, 6, 7, 8, 9]
        assert [number for number, _ in cursor.packets(38, 99)] == [38, 39]
        assert [number for number, _ in cursor.packets(0, 1)] == [0, 1]
