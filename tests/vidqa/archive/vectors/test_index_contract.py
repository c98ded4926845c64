"""What every index promises, whatever it is made of."""

from __future__ import annotations

import threading
import uuid

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vidqa.archive.vectors.conftest import Open
from tests.vidqa.archive.vectors.sources import MemorySource, nearest_of, unit_vectors
from vidqa.archive.nearest import Nearest, VectorBlock
from vidqa.errors import ArchiveError

QUERIES = unit_vectors(4, seed=9)


def filled(count: int) -> MemorySource:
    """Clips 1 to ``count``."""
    source = MemorySource()
    source.put(range(1, count + 1), unit_vectors(count))
    return source


def by_hand(source: MemorySource, k: int, among: set[int] | None = None) -> Nearest:
    ids = set(source.vectors) if among is None else set(source.vectors) & among
    block: VectorBlock = source.vectors_of(np.array(sorted(ids), dtype=np.int64))
    return nearest_of(block, QUERIES, k)


def same(found: Nearest, wanted: Nearest) -> None:
    np.testing.assert_array_equal(found.ids_QK, wanted.ids_QK)
    np.testing.assert_allclose(found.scores_QK, wanted.scores_QK, atol=1e-6)


def test_the_nearest_come_best_first_with_their_inner_products(open_index: Open) -> None:
    source = filled(50)
    same(open_index(source).search(QUERIES, 5), by_hand(source, 5))


def test_equal_scores_come_by_rising_id(open_index: Open) -> None:
    source = MemorySource()
    source.put([7, 3, 5, 4], np.repeat(unit_vectors(1), 4, axis=0))
    found = open_index(source).search(QUERIES[:1], 4)
    assert found.ids_QK.tolist() == [[3, 4, 5, 7]]
    assert len(set(found.scores_QK[0].tolist())) == 1


def test_only_allowed_clips_are_found(open_index: Open) -> None:
    source = filled(50)
    among = np.array([2, 3, 5, 7, 11, 900])
    same(open_index(source).search(QUERIES, 3, among), by_hand(source, 3, set(among.tolist())))


def test_many_allowed_clips_are_filtered_by_the_index(
    open_index: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidqa.archive.vectors.local.FEW", 0)
    monkeypatch.setattr("vidqa.archive.vectors.pgvector.FEW", 0)
    source = filled(60)
    odd = np.arange(1, 60, 2)
    same(open_index(source).search(QUERIES, 6, odd), by_hand(source, 6, set(odd.tolist())))


def test_nothing_is_found_where_nothing_is_allowed(open_index: Open) -> None:
    found = open_index(filled(5)).search(QUERIES, 2, np.array([], dtype=np.int64))
    assert found.ids_QK.tolist() == [[-1, -1]] * 4
    assert (found.scores_QK == -np.inf).all()


def test_an_empty_archive_finds_nothing(open_index: Open) -> None:
    index = open_index(MemorySource())
    assert (index.count, index.applied) == (0, 0)
    assert index.search(QUERIES, 2).ids_QK.tolist() == [[-1, -1]] * 4


def test_no_query_has_no_hits(open_index: Open) -> None:
    assert open_index(filled(5)).search(QUERIES[:0], 2).ids_QK.shape == (0, 2)


def test_more_are_asked_for_than_there_are(open_index: Open) -> None:
    source = filled(3)
    found = open_index(source).search(QUERIES, 5)
    same(found, by_hand(source, 5))
    assert found.ids_QK[:, 3:].tolist() == [[-1, -1]] * 4


def test_what_was_added_is_found_after_a_refresh(open_index: Open) -> None:
    source = filled(10)
    index = open_index(source)
    source.put([11], QUERIES[:1])
    index.refresh()
    assert index.search(QUERIES[:1], 1).ids_QK.tolist() == [[11]]
    assert (index.count, index.applied) == (11, 11)


def test_the_first_vectors_come_after_the_index(open_index: Open) -> None:
    source = MemorySource()
    index = open_index(source)
    source.put(range(1, 41), unit_vectors(40))
    index.refresh()
    index.settle()
    same(index.search(QUERIES, 5), by_hand(source, 5))


def test_a_deleted_clip_is_never_found_even_before_a_refresh(open_index: Open) -> None:
    source = filled(30)
    index = open_index(source)
    best = by_hand(source, 20).ids_QK[0].tolist()
    source.delete(best)
    wanted = nearest_of(source.vectors_of(np.array(sorted(source.vectors))), QUERIES[:1], 10)
    same(index.search(QUERIES[:1], 10), wanted)


def test_a_clip_that_comes_again_is_found_once_where_it_is_now(open_index: Open) -> None:
    source = filled(10)
    index = open_index(source)
    source.put([4, 4], np.stack([QUERIES[0], -QUERIES[0]]))
    index.refresh()
    same(index.search(QUERIES, 10), by_hand(source, 10))
    assert index.count == 10


def test_all_go_and_others_come(open_index: Open) -> None:
    source = filled(30)
    index = open_index(source)
    source.delete(range(1, 31))
    index.refresh()
    assert index.count == 0
    assert index.search(QUERIES, 1).ids_QK.tolist() == [[-1]] * 4
    source.put(range(31, 41), unit_vectors(10, seed=3))
    index.refresh()
    same(index.search(QUERIES, 3), by_hand(source, 3))


def test_a_log_that_was_cut_leads_to_a_new_build(open_index: Open) -> None:
    source = filled(10)
    index = open_index(source)
    source.put([11, 12], unit_vectors(2, seed=5))
    source.delete([1])
    source.prune()
    index.refresh()
    assert index.applied == source.last_seq()
    same(index.search(QUERIES, 12), by_hand(source, 12))


def test_opened_again_it_is_the_same(open_index: Open) -> None:
    source = filled(40)
    open_index(source).close()
    source.put([41], QUERIES[:1])
    source.delete([2])
    index = open_index(source)
    assert (index.count, index.applied) == (40, 42)
    same(index.search(QUERIES, 8), by_hand(source, 8))


def test_a_database_put_back_from_a_copy_is_believed(open_index: Open) -> None:
    source = filled(20)
    open_index(source).close()
    for clip in (18, 19, 20):
        del source.vectors[clip]
    del source.log[17:]
    same(open_index(source).search(QUERIES, 20), by_hand(source, 20))


@pytest.mark.parametrize(
    ("vectors", "code"),
    [
        (np.full((1, 8), np.nan, dtype=np.float32), "bad_vector"),
        (np.full((1, 8), np.inf, dtype=np.float32), "bad_vector"),
        (np.ones((1, 7), dtype=np.float32), "bad_width"),
        (np.ones(8, dtype=np.float32), "bad_width"),
    ],
)
def test_queries_that_cannot_be_compared_are_refused(
    open_index: Open, vectors: np.ndarray, code: str
) -> None:
    with pytest.raises(ArchiveError) as refused:
        open_index(filled(3)).search(vectors, 1)
    assert refused.value.code == code


def test_none_asked_for_is_an_error(open_index: Open) -> None:
    with pytest.raises(ArchiveError, match="0 nearest"):
        open_index(filled(3)).search(QUERIES, 0)


@pytest.mark.parametrize("bad", [np.full(8, np.nan, np.float32), np.ones(7, np.float32)])
def test_a_change_that_cannot_be_indexed_is_refused_and_changes_nothing(
    open_index: Open, bad: np.ndarray
) -> None:
    source = filled(5)
    index = open_index(source)
    source.put([6], unit_vectors(1))
    source.vectors[6] = bad
    with pytest.raises(ArchiveError):
        index.refresh()
    assert (index.count, index.applied) == (5, 5)


def test_a_source_that_gives_a_clip_twice_is_refused(
    open_index: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = filled(20)
    block = source.vectors_of(np.array([1, 2]))
    twice = VectorBlock(np.array([1, 1]), block.vectors_ND)
    monkeypatch.setattr(source, "blocks", lambda: iter([twice]))
    with pytest.raises(ArchiveError) as refused:
        open_index(source)
    assert refused.value.code == "bad_ids"


def test_threads_search_while_another_refreshes(open_index: Open) -> None:
    source = filled(40)
    index = open_index(source)
    failures: list[BaseException] = []
    done = threading.Event()

    def search() -> None:
        try:
            while not done.is_set():
                found = index.search(QUERIES, 5)
                assert (np.diff(found.scores_QK, axis=1) <= 0).all()
                assert (found.ids_QK > 0).all()
        except BaseException as err:  # noqa: BLE001  (told by the test's own thread)
            failures.append(err)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(10):
        source.put([100 + step], unit_vectors(1, seed=step))
        index.refresh()
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    same(index.search(QUERIES, 10), by_hand(source, 10))


Steps = list[tuple[str, int, int]]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 12), st.integers(0, 5)),
        st.tuples(st.just("delete"), st.integers(1, 12), st.just(0)),
        st.tuples(st.sampled_from(["refresh", "settle", "open", "search"]), st.just(0), st.just(0)),
    ),
    max_size=25,
)


TRIED = pytest.mark.parametrize("open_index", ["exact", "flat", "lists"], indirect=True)
DEAR = pytest.mark.parametrize("open_index", ["pgvector"], indirect=True)
SHARED = [HealthCheck.function_scoped_fixture]


@TRIED
@given(steps=STEPS, k=st.integers(1, 14))
@settings(max_examples=40, suppress_health_check=SHARED)
def test_any_history_ends_where_brute_force_does(open_index: Open, steps: Steps, k: int) -> None:
    run_history(open_index, steps, k)


@DEAR
@given(steps=STEPS, k=st.integers(1, 14))
@settings(max_examples=5, suppress_health_check=SHARED)
def test_a_few_histories_end_there_in_a_server_too(open_index: Open, steps: Steps, k: int) -> None:
    run_history(open_index, steps, k)


def run_history(open_index: Open, steps: Steps, k: int) -> None:
    source = MemorySource(name=f"history {uuid.uuid4()}")
    index = open_index(source)
    directions = unit_vectors(6)
    for what, clip, direction in steps:
        if what == "put":
            source.put([clip], directions[direction : direction + 1])
        elif what == "delete":
            source.delete([clip])
        elif what == "open":
            index.close()
            index = open_index(source)
        elif what == "search":
            found = set(index.search(QUERIES, k).ids_QK.ravel().tolist())
            assert found <= set(source.vectors) | {-1}
        else:
            getattr(index, what)()
    index.refresh()
    assert index.count == source.count()
    same(index.search(QUERIES, k), by_hand(source, k))
