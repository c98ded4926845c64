"""Questions about a window of a clip, and the labels of its rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vidqa_nano.asking import pose, pose_when
from vidqa_nano.clips import Clips
from vidqa_nano.drawing import Course, Pools
from vidqa_nano.labels import row_labels, shares
from vidqa_nano.phrases import BY_NAME, NOVEL_PAIRS, canonical, question
from vidqa_nano.queries import COLUMN, EVERY_QUERY, Query, Seen, confusions
from vidqa_nano.questions import ground
from vidqa_nano.rates import draw_ticks
from vidqa_nano.recipe import Recipe
from vidqa_nano.windows import (
    PRESENT,
    STATES,
    Sample,
    Window,
    cast_of,
    cut_sample,
    draw_window,
    seen_events,
    whole_window,
)

RAIN, BOUNCE = BY_NAME["weather_rain"], BY_NAME["ball_bounces"]


def sample(events: list[Seen], rows: int = 4) -> Sample:
    frames = np.zeros((2 * rows, 56, 56, 3), np.uint8)
    states = np.zeros((rows, len(STATES) + len(PRESENT)), np.float32)
    return Sample(frames, [k / 2 for k in range(2 * rows)], events, states, [])


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


def test_every_named_event_is_marked_with_when_it_happens(clips: Clips) -> None:
    rng, marked = np.random.default_rng(0), 0
    known = {name(q): q for q in EVERY_QUERY for name in (_canonical, _asked)}
    for index, story in enumerate(clips.stories):
        cut = cut_sample(clips, index, whole_window(story), rng, 40)
        for asked in cut.questions:
            for mark in asked.marks:
                named = [q for text, q in known.items() if asked.text[: mark.end].endswith(text)]
                if mark.spans is None or not named:
                    continue
                longest = max(named, key=lambda q: len(_canonical(q)))
                assert list(mark.spans) == longest.spans(cut.events)
                marked += 1
    assert marked > 100


def test_one_lettered_answer_is_right_and_it_is_the_reply(clips: Clips) -> None:
    rng, letters = np.random.default_rng(1), ""
    for index, story in enumerate(clips.stories):
        cut = cut_sample(clips, index, whole_window(story), rng, 40)
        for asked in cut.questions:
            right = [mark for mark in asked.marks if mark.right]
            if "\nA. " in asked.text and asked.task == "ask":
                (mark,) = right
                line = asked.text[: mark.end].split("\n")[-1]
                assert asked.reply == f"{line[0]}."
                letters += line[0]
    assert set(letters) == set("ABCD")


def _canonical(query: Query) -> str:
    return canonical(query.kind, query.colour)


def _asked(query: Query) -> str:
    return question(query.kind, query.colour)


def test_about_a_quarter_of_the_grounding_asks_for_what_does_not_happen(clips: Clips) -> None:
    rng = np.random.default_rng(0)
    asked = [
        question
        for story in clips.stories
        for question in pose(
            seen_events(story, whole_window(story)),
            cast_of(story, whole_window(story)),
            rng,
            150,
        )
    ]
    grounding = [question for question in asked if question.task == "ground"]
    absent = sum(not question.spans for question in grounding) / len(grounding)
    assert absent == pytest.approx(0.28, abs=0.08)
    assert {question.task for question in asked} >= {"ground", "verify", "ask"}


def test_questions_of_when_alone_ask_nothing_else(clips: Clips) -> None:
    rng = np.random.default_rng(0)
    events = seen_events(clips.stories[0], whole_window(clips.stories[0]))
    asked = pose_when(events, [], rng, 200)
    assert {question.task for question in asked} == {"ground"}
    assert sum(not question.spans for question in asked) / 200 == pytest.approx(0.28, abs=0.08)


def test_a_recipe_of_when_alone_draws_no_lists_and_no_vectors(clips: Clips) -> None:
    for only_when in (True, False):
        recipe = Recipe(only_when=only_when, tokens=2000, grey=0.5)
        pools = Pools(recipe, clips)
        drawn = [sample for step in range(8) for sample in pools.batch(step, Course(2, 16.0))]
        tasks = {question.task for sample in drawn for question in sample.questions}
        assert (tasks == {"ground"}) is only_when
        assert any(sample.texts for sample in drawn) is not only_when
        assert any(sample.grey for sample in drawn)


def test_an_event_is_confused_with_its_mirror_another_colour_and_another_action() -> None:
    left, right = BY_NAME["ball_rolls_left"], BY_NAME["ball_rolls_right"]
    assert confusions(Query(left, None))["direction"] == [Query(right, None)]
    near = confusions(Query(BOUNCE, "red"))
    assert {query.colour for query in near["colour"]} <= {"blue", "yellow", "green"}
    assert all(query.kind.actor == "ball" for query in near["action"])


def test_pairs_kept_for_measuring_are_never_asked_about() -> None:
    asked = {
        (near.kind.name, near.colour)
        for query in EVERY_QUERY
        for queries in confusions(query).values()
        for near in queries
    }
    assert not (asked | COLUMN.keys()) & NOVEL_PAIRS


def test_a_cut_event_is_shown_on_the_windows_clock_and_marked(clips: Clips) -> None:
    story = clips.stories[0]
    event = story.events[0]
    middle = (event.start_s + event.end_s) / 2
    start = int(middle * 2) / 2
    length = story.duration_s - start
    window = Window(start, length, range(int(2 * length)))
    seen = next(e for e in seen_events(story, window) if e.kind.name == event.kind)
    assert (seen.start_s, seen.end_s) == (0.0, pytest.approx(event.end_s - start))
    assert not seen.whole


def test_an_event_that_no_frame_shows_is_not_whole(clips: Clips) -> None:
    story = clips.stories[0]
    event = story.events[0]
    seen = seen_events(story, Window(0.0, story.duration_s, [0, int(2 * event.end_s) + 2]))
    assert not next(e for e in seen if e.start_s == event.start_s).whole


def test_a_window_has_an_even_number_of_frames_and_their_true_times(clips: Clips) -> None:
    rng = np.random.default_rng(0)
    for index in range(len(clips)):
        for _ in range(5):
            window = draw_window(clips.stories[index], rng, 16.0)
            cut = cut_sample(clips, index, window, rng, 2)
            assert len(cut.frames_THWC) == len(cut.frame_seconds) == 2 * len(cut.row_seconds)
            assert cut.frame_seconds[: len(window.ticks)] == window.seconds
            assert cut.row_seconds[0] == 0.0
            assert cut.row_seconds[-1] < window.duration_s <= 16.0


def test_rates_are_steady_uneven_and_gappy() -> None:
    rng = np.random.default_rng(0)
    steps = [set(np.diff(draw_ticks(60.0, rng)).tolist()) for _ in range(200)]
    assert {frozenset(step) for step in steps} >= {frozenset({k}) for k in (1, 2, 4)}
    assert sum(len(step) > 1 for step in steps) / 200 == pytest.approx(0.25, abs=0.1)


def test_a_rows_label_is_the_share_of_the_time_between_its_two_frames() -> None:
    cut = sample([Seen(RAIN, None, 1.25, 2.1)])
    assert shares(cut, [(1.25, 2.1)]).tolist() == pytest.approx([0.0, 0.5, 0.2, 0.0])
    labels = row_labels([cut, sample([], rows=2)])
    column = COLUMN["weather_rain", None]
    assert labels.seen_BRC[0, :, column].tolist() == pytest.approx([0.0, 0.5, 0.2, 0.0])
    assert labels.valid_BR.tolist() == [[True] * 4, [True, True, False, False]]
    assert labels.seconds_BR[0].tolist() == [0, 1, 2, 3]


def test_at_an_uneven_rate_a_row_lasts_as_long_as_its_frames_are_apart() -> None:
    uneven = replace(sample([], rows=2), frame_seconds=[0.0, 2.0, 2.5, 2.5])
    assert shares(uneven, [(1.5, 2.5)]).tolist() == pytest.approx([0.25, 0.0])
    assert shares(uneven, [(2.4, 9.0)]).tolist() == pytest.approx([0.0, 1.0])
