"""The world is the same every time, and what is drawn is what the events say."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from PIL import Image

from vidqa_nano.clips import Clips, frame_times, story_of
from vidqa_nano.phrases import BY_NAME
from vidqa_nano.render import draw_frames
from vidqa_nano.world import Event, Story

STORIES = [story_of("train", i) for i in range(60)]


@cache
def many_stories() -> list[Story]:
    return [story_of("train", i) for i in range(400)]


def moving(story: Story, kind: str) -> Event | None:
    """An event of a kind in a scene where nothing else happens at the same time."""
    for event in story.events:
        others = [other for other in story.events if other is not event]
        if event.kind == kind and not any(
            other.start_s < event.end_s and event.start_s < other.end_s for other in others
        ):
            return event
    return None


def test_the_same_number_draws_the_same_clip_and_another_number_another(clips: Clips) -> None:
    again = story_of("train", 3)
    assert again == clips.stories[3]
    times = frame_times(again.duration_s)
    assert np.array_equal(draw_frames(again, times, 56, oversample=4), clips.frames(3))
    assert again.events != story_of("held_out", 3).events


def test_events_lie_inside_the_video_on_tenths_of_a_second_in_their_range() -> None:
    for story in STORIES:
        for event in story.events:
            assert 0 <= event.start_s < event.end_s <= story.duration_s
            assert round(event.start_s * 10) == pytest.approx(event.start_s * 10, abs=1e-9)
            low, high = BY_NAME[event.kind].seconds
            assert low - 0.06 <= event.end_s - event.start_s <= high + 0.06


def test_an_actor_does_one_thing_at_a_time() -> None:
    for story in STORIES:
        for actor in story.actors:
            ends = [event.end_s for event in actor.events]
            starts = [event.start_s for event in actor.events]
            assert all(end < start for end, start in zip(ends, starts[1:], strict=False))


@pytest.mark.parametrize("kind", ["curtain_opens", "lamp_turns_on", "ball_rolls_right"])
def test_frames_change_during_an_event_and_stand_still_around_it(kind: str) -> None:
    found = ((story, moving(story, kind)) for story in many_stories())
    story, event = next((story, event) for story, event in found if event is not None)
    before, start, middle, end, after = draw_frames(
        story,
        [
            event.start_s - 0.1,
            event.start_s,
            (event.start_s + event.end_s) / 2,
            event.end_s,
            event.end_s + 0.1,
        ],
        112,
    ).astype(int)
    assert np.abs(start - middle).max() > 40
    assert np.abs(middle - end).max() > 40
    assert np.abs(before - start).mean() < 0.2 * np.abs(start - middle).mean() + 0.01
    assert np.abs(after - end).mean() < np.abs(start - middle).mean()


def test_the_door_moves_only_while_a_person_opens_or_closes_it() -> None:
    for story in STORIES:
        door = story.shots[0].scene.find("door")
        if door is None:
            continue
        uses = [event for event in story.events if event.kind.endswith("_door")]
        for t_s in np.arange(0, story.duration_s, 0.25):
            if not any(event.start_s <= t_s + 0.01 and t_s <= event.end_s for event in uses):
                assert door.tracks["open"].at(t_s) == door.tracks["open"].at(t_s + 0.01)


def test_a_scene_looks_the_same_at_every_size() -> None:
    story = story_of("train", 1)
    small = draw_frames(story, [5.0], 56, oversample=8)[0]
    large = Image.fromarray(draw_frames(story, [5.0], 448, oversample=1)[0])
    shrunk = np.asarray(large.resize((56, 56), Image.Resampling.BICUBIC))
    assert np.abs(small.astype(int) - shrunk.astype(int)).max() <= 2
