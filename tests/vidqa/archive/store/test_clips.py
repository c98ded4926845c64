from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.vidqa.archive.store.drawn import (
    DIMENSION,
    a_clip,
    a_generation,
    a_vector,
    claimed,
    entered,
    indexed,
)
from vidqa.archive.records import Clip, Filter, NewClip
from vidqa.archive.store import Store
from vidqa.errors import ArchiveError
from vidqa.timeline import Span


def test_clips_come_back_as_they_were_added(store: Store) -> None:
    video = indexed(store, clips=2)
    ids = store.clip_ids().tolist()
    assert store.clips(ids) == [
        Clip(
            id=ids[n],
            video_id=video.id,
            number=n,
            span=Span(4.0 * n, 4.0 * n + 8),
            key_s=4.0 * n + 3,
            caption=f"clip {n}",
        )
        for n in range(2)
    ]
    assert [store.thumbnail(i) for i in ids] == [b"picture 0", b"picture 1"]
    assert store.video(video.id).state == "ready"


def test_adding_a_clip_that_is_there_changes_nothing(store: Store) -> None:
    video, generation = entered(store), a_generation(store)
    claim = claimed(store, video)
    assert store.add_clips(claim, generation.id, [a_clip(0), a_clip(1)]) == 2
    assert store.add_clips(claim, generation.id, [a_clip(1, seed=5), a_clip(2)]) == 1
    assert store.clips_done(video.id, generation.id) == {0, 1, 2}
    source = store.source(generation.id)
    assert source.last_seq() == source.count() == 3
    kept = source.vectors_of(store.clip_ids())
    assert np.array_equal(kept.vectors_ND[np.argsort(kept.ids_N)], [a_vector(n) for n in range(3)])


@pytest.mark.parametrize(
    ("vector_D", "words"),
    [
        (np.zeros(DIMENSION + 1, dtype=np.float32), r"has the shape \(9,\), not \(8,\)"),
        (np.zeros(DIMENSION, dtype=np.float32), "has length 0, not 1"),
        (np.full(DIMENSION, np.nan, dtype=np.float32), "has length nan, not 1"),
        (np.full(DIMENSION, np.inf, dtype=np.float32), "has length inf, not 1"),
    ],
)
def test_one_bad_vector_keeps_all_clips_out(store: Store, vector_D: np.ndarray, words: str) -> None:
    video, generation = entered(store), a_generation(store)
    bad = replace(a_clip(1), vector_D=vector_D)
    with pytest.raises(ArchiveError, match=words):
        store.add_clips(claimed(store, video), generation.id, [a_clip(0), bad])
    assert store.clips_done(video.id, generation.id) == set()
    assert store.clip_ids().size == 0


def test_a_number_given_twice_is_refused(store: Store) -> None:
    video, generation = entered(store), a_generation(store)
    with pytest.raises(ArchiveError, match="two clips of one number"):
        store.add_clips(claimed(store, video), generation.id, [a_clip(0), a_clip(0)])


def test_generations_of_one_grid_share_clips_and_pictures(store: Store) -> None:
    video = indexed(store)
    second = a_generation(store, "other@sha256:2")
    claim = claimed(store, video)
    assert store.add_clips(claim, second.id, [a_clip(n, seed=7) for n in range(3)]) == 3
    assert store.clip_ids(generation_id=second.id).tolist() == store.clip_ids().tolist()
    assert store.embedded(video.id, second.id) is False
    store.finish(claim, second.id)
    assert store.embedded(video.id, second.id) is True


def test_another_grid_has_clips_of_its_own(store: Store) -> None:
    video = indexed(store, clips=2)
    first, other = a_generation(store), store.generation("nano@sha256:1", "6s/4s", DIMENSION)
    store.add_clips(claimed(store, video), other.id, [a_clip(0, length_s=6.0)])
    assert [clip.span for clip in store.clips_of(video.id, other.id)] == [Span(0, 6)]
    assert [clip.span for clip in store.clips_of(video.id, first.id)] == [Span(0, 8), Span(4, 12)]


def test_clips_are_given_in_the_order_asked_for_without_those_that_are_gone(store: Store) -> None:
    indexed(store)
    a, b, c = store.clip_ids().tolist()
    assert [clip.id for clip in store.clips([c, 999, a, b, a])] == [c, a, b, a]
    assert store.clips([]) == []


def test_more_clips_than_one_statement_takes_are_read(store: Store) -> None:
    video, generation = entered(store), a_generation(store)
    store.add_clips(claimed(store, video), generation.id, [a_clip(n) for n in range(1_203)])
    ids = store.clip_ids()
    assert [clip.number for clip in store.clips(ids.tolist())] == list(range(1_203))
    assert sorted(store.source(generation.id).vectors_of(ids).ids_N) == ids.tolist()


def test_neighbours_are_of_the_same_video_by_number(store: Store) -> None:
    indexed(store, "other")
    video, generation = indexed(store, clips=6), a_generation(store)
    middle = store.clips_of(video.id, generation.id)[2]
    assert [c.number for c in store.neighbours(middle, generation.id)] == [1, 3]
    assert [c.number for c in store.neighbours(middle, generation.id, reach=3)] == [0, 1, 3, 4, 5]


def test_ids_are_those_of_matching_videos(store: Store) -> None:
    door, car = indexed(store, "door", clips=2), indexed(store, "car", clips=3)
    store.add_tags(car.id, "street")
    ids = store.clip_ids()
    assert ids.dtype == np.int64
    assert store.clip_ids(Filter(path="*door*")).tolist() == ids[:2].tolist()
    assert store.clip_ids(Filter(tags=["street"])).tolist() == ids[2:].tolist()
    assert store.clip_ids(Filter(tags=["none"])).tolist() == []
    assert {clip.video_id for clip in store.clips(ids.tolist())} == {door.id, car.id}


def test_a_clip_without_caption_has_none(store: Store) -> None:
    video, generation = entered(store), a_generation(store)
    bare: NewClip = replace(a_clip(0), caption=None)
    store.add_clips(claimed(store, video), generation.id, [bare])
    assert store.clips(store.clip_ids().tolist())[0].caption is None


def test_a_picture_of_a_clip_that_is_gone_is_an_error(store: Store) -> None:
    with pytest.raises(ArchiveError, match="no clip 5") as caught:
        store.thumbnail(5)
    assert caught.value.code == "clip_unknown"
