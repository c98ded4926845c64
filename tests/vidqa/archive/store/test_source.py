from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
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
from vidqa.archive.halves import from_bytes, to_bytes
from vidqa.archive.source import StoredVectors
from vidqa.archive.store import Store, open_store
from vidqa.errors import ArchiveError


class _Replica(dict[int, tuple[float, ...]]):
    """What an index would know: built from blocks at some moment, then told of changes."""

    def __init__(self, source: StoredVectors) -> None:
        super().__init__()
        self.source, self.seq = source, source.last_seq()

    def build(self) -> None:
        for block in self.source.blocks():
            self.update(zip(block.ids_N.tolist(), map(tuple, block.vectors_ND), strict=True))

    def follow(self, step: int) -> None:
        while changes := self.source.changes_after(self.seq, step):
            for change in changes:
                if change.vector_D is None:
                    self.pop(change.clip_id, None)
                else:
                    self[change.clip_id] = tuple(change.vector_D)
            self.seq = changes[-1].seq


_STEP = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 2), st.integers(0, 12)),
    st.tuples(st.just("delete"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("build"), st.just(0), st.just(0)),
    st.tuples(st.just("prune"), st.just(0), st.just(0)),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_STEP, max_size=12), st.integers(1, 5))
def test_blocks_and_the_changes_after_them_are_the_truth(
    sqlite_template: Path, tmp_path: Path, steps: list[tuple[str, int, int]], step: int
) -> None:
    with open_store(shutil.copy(sqlite_template, tmp_path / "replay.db")) as store:
        source = store.source(a_generation(store).id)
        replicas = [_Replica(source)]
        truth: dict[int, dict[int, int]] = {}
        for action, which, number in steps:
            if action == "add":
                claim = claimed(store, entered(store, f"v{which}"), lease_s=0)
                store.add_clips(claim, 1, [a_clip(number, seed=number + which)])
                truth.setdefault(which, {}).setdefault(number, number + which)
            elif action == "delete" and truth.pop(which, None) is not None:
                store.delete_video(entered(store, f"v{which}").id)
            elif action == "build":
                replicas.append(_Replica(source))
                replicas[-1].build()
            elif action == "prune":
                for replica in replicas:
                    replica.follow(step)
                store.prune(1, below=replicas[0].seq + 1)
        late = _Replica(source)
        late.build()
        expected = sorted(tuple(a_vector(s)) for clips in truth.values() for s in clips.values())
        for replica in (*replicas, late):
            replica.follow(step)
            assert sorted(replica.values()) == expected
            assert replica == late
        assert source.count() == len(expected)
        assert store.check() == []
    for file in tmp_path.iterdir():
        file.unlink()


def test_blocks_come_by_rising_id_and_no_more_of_them_than_there_are(store: Store) -> None:
    indexed(store, clips=5)
    source = store.source(a_generation(store).id)
    (block,) = source.blocks()
    assert block.ids_N.dtype == np.int64
    assert block.vectors_ND.dtype == np.float32
    assert block.ids_N.tolist() == store.clip_ids().tolist()
    assert np.array_equal(block.vectors_ND, [a_vector(n) for n in range(5)])


def test_a_source_of_nothing_has_no_blocks(store: Store) -> None:
    source = store.source(a_generation(store).id)
    assert list(source.blocks()) == []
    assert source.changes_after(0, 10) == []
    assert (source.last_seq(), source.count(), source.dimension) == (0, 0, DIMENSION)
    empty = source.vectors_of(np.array([], dtype=np.int64))
    assert empty.vectors_ND.shape == (0, DIMENSION)


def test_vectors_of_clips_that_are_gone_are_left_out(store: Store) -> None:
    indexed(store, clips=2)
    source = store.source(a_generation(store).id)
    last = store.clip_ids()[-1]
    block = source.vectors_of(np.array([12_345, last]))
    assert block.ids_N.tolist() == [last]
    assert np.array_equal(block.vectors_ND, [a_vector(1)])


def test_names_tell_generations_and_databases_apart(store: Store, tmp_path: Path) -> None:
    names = {store.source(a_generation(store, m).id).name for m in ("a", "b")}
    with open_store(tmp_path / "other.db") as other:
        names.add(other.source(a_generation(other, "a").id).name)
    assert len(names) == 3


@given(st.lists(st.floats(-1, 1, width=16), min_size=4, max_size=4).filter(any))
def test_a_vector_is_kept_to_half_precision(values: list[float]) -> None:
    vector_D = np.array(values, dtype=np.float32)
    vector_D /= np.linalg.norm(vector_D)
    kept_D = from_bytes([to_bytes(vector_D, 4)], 4)[0]
    assert np.abs(kept_D - vector_D).max() <= 2**-11


def test_bytes_that_are_not_of_the_dimension_are_an_error() -> None:
    with pytest.raises(ArchiveError, match="has not the 16 bytes of 8"):
        from_bytes([b"\0" * 15], 8)
