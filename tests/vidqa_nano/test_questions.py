"""Questions about a window of a clip, and the labels of its rows."""

from __future__ import annotations

import numpy as np
import pytest

from vidqa_nano.clips import Clips
from vidqa_nano.labels import QUERY_COLUMN, row_labels, shares
from vidqa_nano.phrases import BY_NAME
from vidqa_nano.questions import Query, Seen, ground, pose
from vidqa_nano.windows import Sample, Window, cut_sample, draw_window, seen_events, whole_window

RAIN, BOUNCE = BY_NAME["weather_rain"], BY_NAME["ball_bounces"]


def sample(events: list[Seen], rows: int = 4) -> Sample:
    frames = np.zeros((2 * rows, 56, 56, 3), np.uint8)
    states = np.zeros((rows, 9), np.float32)
    return Sample(frames, [float(k) for k in range(rows)], events, states, [])


def test_a_query_without_colour_finds_every_colour_and_merges_overlaps() -> None:
    events = [
        Seen(BOUNCE, "red", 1.0, 3.0),
        Seen(BOUNCE, "blue", 2.0, 5.0),
        Seen(BOUNCE, "red", 7.0, 8.0),
    ]
    assert Query(BOUNCE, None).spans(events) == [(1.0, 5.0), (7.0, 8.0)]
    assert Query(BOUNCE, "red").spans(events) == [(1.0, 3.0), (7.0, 8.0)]
    assert Query(BOUNCE, "green").spans(events) == []


def test_a_grounding_question_without_a_generator_is_canonical() -> None:
    question = ground(Query(RAIN, None), [Seen(RAIN, None, 3.0, 7.5)])
    assert "'it rains'" in question.text
    assert question.reply == "The given query happens in 3.0 - 7.5 seconds."


def test_about_a_quarter_of_the_questions_ask_for_what_does_not_happen(clips: Clips) -> None:
    rng = np.random.default_rng(0)
    asked = [
        question
        for scene in clips.scenes
        for question in pose(
            seen_events(scene, whole_window(scene)),
            [(actor.kind, actor.colour) for actor in scene.actors],
            rng,
            200,
        )
    ]
    grounding = [question for question in asked if question.task == "ground"]
    absent = sum(not question.spans for question in grounding) / len(grounding)
    assert absent == pytest.approx(0.25, abs=0.05)
    assert {question.task for question in asked} == {"ground", "verify", "ask"}


def test_a_cut_event_is_shown_on_the_windows_clock_and_marked(clips: Clips) -> None:
    scene = clips.scenes[0]
    event = scene.events[0]
    middle = (event.start_s + event.end_s) / 2
    start = int(middle * 2) / 2
    window = Window(start, scene.duration_s - start, 2.0, mirror=False)
    seen = next(e for e in seen_events(scene, window) if e.kind.name == event.kind)
    assert (seen.start_s, seen.end_s) == (0.0, pytest.approx(event.end_s - start))
    assert not seen.whole


def test_a_window_has_an_even_number_of_frames_and_a_time_for_every_pair(clips: Clips) -> None:
    rng = np.random.default_rng(0)
    for index in range(len(clips)):
        for _ in range(5):
            window = draw_window(clips.scenes[index], rng)
            cut = cut_sample(clips, index, window, rng, 2)
            assert len(cut.frames_THWC) == 2 * len(cut.row_seconds)
            step = 2 / window.fps
            assert cut.row_seconds == [k * step for k in range(len(cut.row_seconds))]
            assert cut.row_seconds[-1] < window.duration_s


def test_a_rows_label_is_the_share_of_the_time_between_its_two_frames() -> None:
    cut = sample([Seen(RAIN, None, 1.25, 2.1)])
    assert shares(cut, [(1.25, 2.1)]).tolist() == pytest.approx([0.0, 0.5, 0.2, 0.0])
    labels = row_labels([cut, sample([], rows=2)])
    column = QUERY_COLUMN["weather_rain", None]
    assert labels.seen_BRC[0, :, column].tolist() == pytest.approx([0.0, 0.5, 0.2, 0.0])
    assert labels.valid_BR.tolist() == [[True] * 4, [True, True, False, False]]
    assert labels.seconds_BR[0].tolist() == [0, 1, 2, 3]
