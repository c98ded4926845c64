"""The world is the same every time, and what is drawn is what the events say."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
from PIL import Image

from vidqa_nano.phrases import BY_NAME, KINDS, NOVEL_PAIRS
from vidqa_nano.render import draw_frames
from vidqa_nano.story import story_of
from vidqa_nano.world import Event, Lens, Story


@cache
def stories() -> list[Story]:
    return [story_of("train", i) for i in range(400)]


def alone(kind: str) -> tuple[Story, Event]:
    """A short story without lens and its only event of the time, of a kind."""
    for index in range(4000):
        story = story_of("train", index, "short")
        for event in story.events:
            near = (event.start_s - 0.6, event.end_s + 0.6)
            beside = [e for e in story.events if e.start_s < near[1] and near[0] < e.end_s]
            if event.kind == kind and beside == [event]:
                return Story(story.shots, story.duration_s), event
    raise AssertionError(kind)


def test_the_same_number_tells_the_same_story_and_another_number_or_split_another() -> None:
    assert story_of("train", 3) == story_of("train", 3)
    assert story_of("train", 3).events != story_of("train", 4).events
    assert story_of("train", 3).events != story_of("held_out", 3).events


def test_events_lie_inside_their_shot_on_tenths_of_a_second_in_their_range() -> None:
    for story in stories():
        ends = [shot.start_s for shot in story.shots[1:]] + [story.duration_s]
        for shot, end_s in zip(story.shots, ends, strict=True):
            assert shot.start_s + shot.scene.duration_s == pytest.approx(end_s)
            for event in shot.scene.events:
                assert 0 <= event.start_s < event.end_s <= shot.scene.duration_s
        for event in story.events:
            assert round(event.start_s * 10) == pytest.approx(event.start_s * 10, abs=1e-9)
            low, high = BY_NAME[event.kind].seconds
            assert low - 0.11 <= event.end_s - event.start_s <= high + 0.06


def test_an_actor_does_one_thing_at_a_time() -> None:
    for story in stories():
        for actor in story.actors:
            ends = [event.end_s for event in actor.events]
            starts = [event.start_s for event in actor.events]
            assert all(end < start for end, start in zip(ends, starts[1:], strict=False))


def test_no_property_moves_but_in_an_event() -> None:
    for story in stories()[:100]:
        for shot in story.shots:
            events = shot.scene.events
            for actor in shot.scene.actors:
                for track in actor.tracks.values():
                    for start, end, a, b in zip(
                        track.times, track.times[1:], track.values, track.values[1:], strict=False
                    ):
                        if a != b:
                            assert any(e.start_s <= start < end <= e.end_s for e in events)


def test_the_first_thousand_training_stories_show_every_kind_and_no_novel_pair() -> None:
    told = [story_of("train", i) for i in range(1000)]
    counts = Counter(event.kind for story in told for event in story.events)
    assert set(counts) == set(BY_NAME)
    pairs = {(event.kind, event.colour) for story in told for event in story.events}
    assert not pairs & NOVEL_PAIRS


def test_every_novel_story_has_a_novel_pair() -> None:
    for index in range(20):
        events = story_of("novel", index).events
        assert any((event.kind, event.colour) in NOVEL_PAIRS for event in events)


def test_stories_last_and_hold_what_is_said_of_them() -> None:
    told = stories()
    assert all(5 <= story.duration_s <= 120 and 1 <= len(story.events) <= 8 for story in told)
    assert 0.55 < np.mean([story.duration_s <= 32 for story in told]) < 0.75
    assert {len(story.shots) for story in told} == {1, 2, 3, 4}
    kinds = [Counter(event.kind for event in story.events) for story in told]
    assert np.mean([max(counts.values()) > 1 for counts in kinds]) > 0.25
    short = [story_of("held_out", i, "short") for i in range(30)]
    assert all(8 <= story.duration_s <= 32 and len(story.shots) == 1 for story in short)
    long = [story_of("held_out", i, "long") for i in range(30)]
    assert all(60 <= story.duration_s <= 120 for story in long)


def test_two_of_a_kind_in_a_scene_differ_in_colour() -> None:
    for story in stories():
        for shot in story.shots:
            who = [(a.kind, a.colour) for a in shot.scene.actors if a.colour is not None]
            assert len(who) == len(set(who))


def test_a_story_knows_its_shot_and_its_state_on_its_own_clock() -> None:
    story = next(s for s in stories() if len(s.shots) > 1)
    cut_s = story.shots[1].start_s
    assert story.shot_at(cut_s - 0.1) is story.shots[0]
    assert story.shot_at(cut_s) is story.shots[1]
    assert story.state("nobody", "x", cut_s) == 0.0
    scene = story.shots[1].scene
    actor = next(a for a in scene.actors if "x" in a.tracks)
    first = scene.find(actor.kind)
    assert first is not None
    assert story.state(actor.kind, "x", cut_s + 2) == first.tracks["x"].at(2.0)


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_an_event_changes_the_picture_and_around_it_nothing_moves(kind: str) -> None:
    story, event = alone(kind)
    length_s = event.end_s - event.start_s
    shares = [-0.5 / length_s, -0.1 / length_s, 0.3, 0.45, 0.6, 0.75, 1 + 0.1 / length_s]
    times = [event.start_s + share * length_s for share in shares]
    frames = draw_frames(story, times, 56, oversample=4).astype(int)
    still, before, *during, _ = frames
    assert np.abs(still - before).max() == 0
    assert max(np.abs(frame - before).max() for frame in during) > 45


def test_a_scene_looks_the_same_at_every_size() -> None:
    story = Story(story_of("train", 1, "short").shots, 8.0, Lens())
    small = draw_frames(story, [5.0], 56, oversample=8)[0]
    large = Image.fromarray(draw_frames(story, [5.0], 448, oversample=1)[0])
    shrunk = np.asarray(large.resize((56, 56), Image.Resampling.BICUBIC))
    assert np.abs(small.astype(int) - shrunk.astype(int)).max() <= 12
    assert np.abs(small.astype(int) - shrunk.astype(int)).mean() < 0.5
