from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vidqa.archive.store.drawn import (
    DIMENSION,
    a_clip,
    a_generation,
    a_vector,
    claimed,
    entered,
    indexed,
)
from vidqa.archive.centring import COMMON, centred, particular
from vidqa.archive.records import Progress
from vidqa.archive.store import Store
from vidqa.errors import ArchiveError, ChangesPruned


def test_a_generation_is_made_once(store: Store) -> None:
    first = a_generation(store)
    assert a_generation(store) == first
    assert store.generation("nano@sha256:1", "8s/4s", 16).id != first.id
    assert store.generation("nano@sha256:1", "10s", DIMENSION).id != first.id
    assert store.generation("nano@sha256:1", "8s/4s", DIMENSION, centred=True).id != first.id


def test_the_first_generation_serves_and_a_later_one_when_it_is_told_to(store: Store) -> None:
    assert store.serving() is None
    first, second = a_generation(store, "a"), a_generation(store, "b")
    assert (first.state, second.state) == ("serving", "building")
    assert store.serving() == first
    store.serve(second.id)
    assert [g.state for g in store.generations()] == ["replaced", "serving"]
    store.serve(first.id)
    assert [g.state for g in store.generations()] == ["serving", "replaced"]
    store.serve(first.id)
    assert store.serving() == first


def test_progress_counts_finished_videos_and_clips(store: Store) -> None:
    indexed(store, "a", clips=3)
    second = a_generation(store, "second")
    video = indexed(store, "b", clips=2)
    store.fail(claimed(store, entered(store, "c")), "broken")
    assert store.progress(second.id) == Progress(videos_done=0, videos=2, clips=0)
    claim = claimed(store, video)
    store.add_clips(claim, second.id, [a_clip(0)])
    assert store.progress(second.id) == Progress(videos_done=0, videos=2, clips=1)
    store.add_clips(claim, second.id, [a_clip(1)])
    store.finish(claim, second.id)
    assert store.progress(second.id) == Progress(videos_done=1, videos=2, clips=2)


def test_a_retired_generation_takes_its_vectors_and_its_own_clips_along(store: Store) -> None:
    video, first = indexed(store, clips=3), a_generation(store)
    other = store.generation("nano@sha256:1", "6s/4s", DIMENSION)
    claim = claimed(store, video)
    store.add_clips(claim, other.id, [a_clip(0), a_clip(1, length_s=6.0)])  # one shared, one not
    store.finish(claim, other.id)
    shared = store.clip_ids(generation_id=other.id)[0]
    store.serve(other.id)
    assert store.retire(first.id) == 3
    assert store.clip_ids().tolist() == store.clip_ids(generation_id=other.id).tolist()
    assert store.thumbnail(int(shared)) == b"picture 0"
    assert store.check() == []
    with pytest.raises(ArchiveError, match="was retired"):
        store.source(first.id)
    with pytest.raises(ArchiveError, match="was retired"):
        store.add_clips(claimed(store, video), first.id, [a_clip(5)])
    assert store.retire(first.id) == 0
    assert a_generation(store).id not in (first.id, other.id)


def test_the_generation_that_serves_cannot_be_retired(store: Store) -> None:
    with pytest.raises(ArchiveError, match="answers searches"):
        store.retire(a_generation(store).id)


def test_a_generation_that_is_not_there_is_named(store: Store) -> None:
    for call in (store.serve, store.retire, store.source, store.progress, store.mean):
        with pytest.raises(ArchiveError, match=r"generation 9 .* does not exist"):
            call(9)


def test_a_centred_source_hands_out_vectors_about_the_mean(store: Store) -> None:
    generation = store.generation("raw", "8s/4s", DIMENSION, centred=True)
    store.add_clips(claimed(store, entered(store)), generation.id, [a_clip(0), a_clip(1)])
    before = store.source(generation.id)
    assert store.mean(generation.id) is None
    mean_D = store.measure_mean(generation.id)
    assert mean_D.tolist() == [0.5, 0.5, 0, 0, 0, 0, 0, 0]
    store.set_mean(generation.id, mean_D)
    after = store.source(generation.id)
    assert after.name != before.name
    vectors_ND = next(after.blocks()).vectors_ND
    half = np.float32(np.sqrt(0.5))
    assert vectors_ND[0] == pytest.approx([half, -half, 0, 0, 0, 0, 0, 0])
    assert np.array_equal(after.changes_after(0, 9)[1].vector_D, vectors_ND[1])
    assert np.array_equal(store.mean(generation.id), mean_D)
    assert np.array_equal(store.measure_mean(generation.id), mean_D)
    with pytest.raises(ChangesPruned, match="another mean"):
        next(before.blocks())
    with pytest.raises(ChangesPruned, match="another mean"):
        before.changes_after(2, 9)


def test_the_mean_itself_has_no_direction() -> None:
    vector_D = a_vector(0)
    assert centred(vector_D[None], vector_D).tolist() == [[0.0] * DIMENSION]


def test_a_mean_that_does_not_fit_is_refused(store: Store) -> None:
    generation = a_generation(store)
    for mean_D in (np.zeros(DIMENSION + 1), np.full(DIMENSION, np.nan)):
        with pytest.raises(ArchiveError, match="a mean of shape"):
            store.set_mean(generation.id, mean_D.astype(np.float32))


def test_a_mean_of_vectors_that_are_compared_as_they_are_voids_no_source(store: Store) -> None:
    generation = a_generation(store)
    store.add_clips(claimed(store, entered(store)), generation.id, [a_clip(0), a_clip(1)])
    before = store.source(generation.id)
    store.set_mean(generation.id, store.measure_mean(generation.id))
    assert store.source(generation.id) == before
    assert np.array_equal(next(before.blocks()).vectors_ND, [a_vector(0), a_vector(1)])
    mean_D = store.mean(generation.id)
    assert mean_D is not None
    assert mean_D.tolist() == [0.5, 0.5, 0, 0, 0, 0, 0, 0]


@given(st.integers(0, 10**6))
def test_a_query_without_what_clips_share_ranks_by_likeness_less_that_to_the_mean(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    query_D, mean_D = rng.standard_normal((2, DIMENSION)).astype(np.float32)
    clips_ND = rng.standard_normal((20, DIMENSION)).astype(np.float32)
    moved_QD = particular(query_D[None], mean_D, 900)
    assert np.linalg.norm(moved_QD) == pytest.approx(1, abs=1e-6)
    wanted_N = clips_ND @ query_D - 0.9 * COMMON * (clips_ND @ mean_D)
    assert np.corrcoef(clips_ND @ moved_QD[0], wanted_N)[0, 1] == pytest.approx(1, abs=1e-5)


def test_a_query_stays_as_it_is_where_nothing_is_known_of_the_mean() -> None:
    assert particular(a_vector(0)[None], None, 900).tolist() == [a_vector(0).tolist()]


def test_pruned_changes_tell_an_older_index_to_be_built_anew(store: Store) -> None:
    indexed(store, clips=5)
    source = store.source(a_generation(store).id)
    assert store.prune(source.generation_id, below=4) == 3
    assert [change.seq for change in source.changes_after(3, 9)] == [4, 5]
    with pytest.raises(ChangesPruned, match=r"kept from 4 on, those after 2 were asked for"):
        source.changes_after(2, 9)
    assert store.prune(source.generation_id, below=2) == 0
    assert store.prune(source.generation_id, below=99) == 2
    assert source.changes_after(5, 9) == []
    assert source.last_seq() == 5
    assert store.check() == []
    indexed(store, "more", clips=1)
    assert [change.seq for change in source.changes_after(5, 9)] == [6]
