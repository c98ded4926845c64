"""Films and examples: a video file shows the story at its times."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

from vidqa_nano.example import SUITS, example_story, truth
from vidqa_nano.film import write_film
from vidqa_nano.render import draw_frames
from vidqa_nano.story import story_of
from vidqa_nano.world import Story


def test_a_film_shows_the_story_at_the_times_of_its_frames(tmp_path: Path) -> None:
    story = Story(story_of("train", 1, "short").shots, 3.0)
    write_film(story, tmp_path / "film.mp4", side=112, fps=10, quality=10)
    with av.open(str(tmp_path / "film.mp4")) as film:
        frames = [f for f in film.decode(video=0) if isinstance(f, av.VideoFrame)]
    assert [frame.time for frame in frames] == pytest.approx([k / 10 for k in range(30)])
    drawn = draw_frames(story, [1.7], 112)[0].astype(int)
    assert np.abs(frames[17].to_ndarray(format="rgb24").astype(int) - drawn).mean() < 4


@pytest.mark.parametrize("name", list(SUITS))
def test_an_example_has_what_it_is_there_for(name: str) -> None:
    events = truth(example_story(name))["events"]
    counts = Counter(event["phrase"] for event in events)
    if name == "door":
        doors = [text for text in counts.elements() if text.endswith("opens door")]
        assert len(doors) == 1
    elif name == "car":
        drives = [text for text in counts.elements() if " car drives " in text]
        assert len(drives) == 1
    else:
        assert 3 in counts.values()
    assert len(counts) >= 4
