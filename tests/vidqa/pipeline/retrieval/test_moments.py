"""Neighbours become one hit; what overlaps a better hit is none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.archive.records import Clip
from vidqa.pipeline.candidates import shared
from vidqa.pipeline.retrieval.moments import (
    LONGEST_S,
    NEARLY,
    OVERLAP,
    Scored,
    fuse,
    merge_neighbours,
)
from vidqa.timeline import Span


def scored(number: int, likeness: float, *, video: int = 1, weight: float | None = None) -> Scored:
    clip = Clip(
        id=1000 * video + number,
        video_id=video,
        number=number,
        span=Span(4.0 * number, 4.0 * number + 8),
        key_s=4.0 * number + 4,
        caption=None,
    )
    return Scored(
        clip=clip,
        likeness=likeness,
        weight=likeness if weight is None else weight,
        found_by=("vector",),
    )


def spans(found: Sequence[Scored]) -> list[tuple[float, float]]:
    return [(m.span.start_s, m.span.end_s) for m in merge_neighbours(found)]


def test_neighbours_that_are_nearly_as_like_are_one_hit() -> None:
    assert spans([scored(2, 0.87), scored(3, 0.9), scored(4, 0.86)]) == [(8, 24)]


def test_a_neighbour_that_is_less_like_is_left_out() -> None:
    assert spans([scored(2, 0.5), scored(3, 0.9), scored(4, 0.6)]) == [(12, 20)]


def test_clips_that_do_not_touch_are_hits_of_their_own() -> None:
    assert spans([scored(0, 0.8), scored(5, 0.9)]) == [(20, 28), (0, 8)]


def test_clips_of_different_videos_are_never_one() -> None:
    assert spans([scored(2, 0.9), scored(3, 0.9, video=2)]) == [(8, 16), (12, 20)]


def test_a_scene_that_goes_on_makes_hits_of_bounded_length() -> None:
    found = merge_neighbours([scored(n, 0.9, weight=1 / (n + 1)) for n in range(40)])
    assert all(m.span.length_s <= LONGEST_S for m in found)
    assert len(found) == 5


def test_a_clip_in_both_rankings_comes_before_one_in_either() -> None:
    weights = fuse([7, 8, 9], [9, 5])
    assert max(weights, key=lambda each: weights[each]) == 9
    assert weights[7] == pytest.approx(1 / 61)
    assert weights[9] == pytest.approx(1 / 63 + 1 / 61)


@st.composite
def some_clips(draw: st.DrawFn) -> list[Scored]:
    places = draw(
        st.lists(st.tuples(st.integers(1, 3), st.integers(0, 25)), unique=True, max_size=40)
    )
    return [
        scored(number, draw(st.floats(0, 1)), video=video, weight=draw(st.floats(0.001, 1)))
        for video, number in places
    ]


@given(some_clips(), st.randoms(use_true_random=False))
def test_what_holds_of_all_hits(found: list[Scored], random: object) -> None:
    moments = merge_neighbours(found)
    members = [each.clip.id for moment in moments for each in moment.clips]
    assert len(members) == len(set(members))
    for moment in moments:
        assert all(
            moment.span.start_s <= each.clip.span.start_s
            and each.clip.span.end_s <= moment.span.end_s
            and each.likeness >= moment.best.likeness - NEARLY
            for each in moment.clips
        )
        assert moment.span.length_s <= LONGEST_S
        assert moment.best.weight == max(each.weight for each in moment.clips)
    for a in moments:
        for b in moments:
            if a is not b and a.video_id == b.video_id:
                assert shared(a.span, b.span) <= OVERLAP
    left = [each for each in found if each.clip.id not in members]
    assert all(
        any(
            m.video_id == each.clip.video_id and shared(m.span, each.clip.span) > OVERLAP
            for m in moments
        )
        for each in left
    )
    weights = [moment.best.weight for moment in moments]
    assert weights == sorted(weights, reverse=True)
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert merge_neighbours(mixed) == moments
