"""A haystack is long, its needles happen once in it, and what is said to be absent never does."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from vidqa.pipeline.labelled import read_labelled
from vidqa_nano.needle import haystack, main
from vidqa_nano.phrases import KINDS, canonical


def test_every_needle_happens_once_and_what_is_absent_never_does() -> None:
    hay = haystack(1800.0, 12, 3)
    kinds = [event.kind for event in hay.story.events]
    assert len(hay.needles) == len(hay.absent) == 12
    assert all(kinds.count(needle.kind) == 1 for needle in hay.needles)
    told = {canonical(kind) for kind in KINDS if kind.name in kinds}
    assert not told & set(hay.absent)
    assert len(kinds) > 12


def test_a_haystack_is_the_same_for_a_seed_and_another_for_another() -> None:
    assert haystack(600.0, 3, 1) == haystack(600.0, 3, 1)
    assert haystack(600.0, 3, 1).story.events != haystack(600.0, 3, 2).story.events


def test_more_needles_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="needles"):
        haystack(60.0, 3, 1)


def test_the_command_writes_film_and_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "hay.mp4"
    seconds = iter((0.0, 1.3))
    hours = str(130 / 3600)
    assert main([str(film), "--hours", hours, "--needles", "1"], clock=lambda: next(seconds)) == 0
    assert capsys.readouterr().out == "100 times faster than real time (1.3 s)\n"
    truth = json.loads(film.with_suffix(".json").read_text())
    (needle,) = truth["needles"]
    assert needle["phrase"] not in truth["absent"]
    assert 0 <= needle["start"] < needle["end"] <= truth["duration"] == 130.0
    labelled = read_labelled(film.with_suffix(".jsonl"))
    assert [each.video for each in labelled] == [film, film]
    assert [len(each.spans) for each in labelled] == [1, 0]
    with av.open(str(film)) as opened:
        (stream,) = opened.streams.video
        assert (stream.frames, stream.average_rate, stream.width) == (650, 5, 224)
