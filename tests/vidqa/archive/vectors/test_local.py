"""The FAISS index: what it writes and reads, what it does about bad files, kinds by size."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import faiss
import numpy as np
import pytest
from filelock import FileLock

from benchmarks.plain_source import PlainSource
from tests.vidqa.archive.vectors.conftest import LISTS
from tests.vidqa.archive.vectors.killing import ALWAYS, kill_a_writer
from tests.vidqa.archive.vectors.sources import MemorySource, nearest_of, unit_vectors
from vidqa.archive.vectors.body import build_body
from vidqa.archive.vectors.kinds import Kind, Sizes, kind_for
from vidqa.archive.vectors.local import FaissIndex
from vidqa.archive.vectors.snapshot import LOCK, NAME
from vidqa.errors import ArchiveError, ChangesPruned

FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
QUERIES = unit_vectors(3, seed=9)
BOTH = pytest.mark.parametrize("sizes", [Sizes(), LISTS], ids=["flat", "lists"])


def filled(count: int, name: str = "memory") -> MemorySource:
    source = MemorySource(name=name)
    source.put(range(1, count + 1), unit_vectors(count))
    return source


def right(index: FaissIndex, source: MemorySource) -> bool:
    """Whether a search finds what brute force does, and not nothing."""
    block = source.vectors_of(np.array(sorted(source.vectors)))
    wanted = nearest_of(block, QUERIES, 5).ids_QK
    return bool((wanted > 0).all()) and np.array_equal(index.search(QUERIES, 5).ids_QK, wanted)


@BOTH
def test_a_second_opening_reads_the_file_alone(tmp_path: Path, sizes: Sizes) -> None:
    source = filled(50)
    FaissIndex(tmp_path, source, sizes).close()
    index = FaissIndex(tmp_path, source, sizes)
    assert (source.reads, index.notes, right(index, source)) == (1, [], True)


def test_the_file_is_a_faiss_index_that_others_can_read(tmp_path: Path) -> None:
    FaissIndex(tmp_path, filled(50))
    assert faiss.read_index(str(tmp_path / NAME)).ntotal == 50
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != LOCK) == [NAME]


def damage_cut(body: bytearray, rng: random.Random) -> bytearray:
    return body[: rng.randrange(len(body))]


def damage_head(body: bytearray, rng: random.Random) -> bytearray:
    return flip(body, rng, 0, 200)


def damage_body(body: bytearray, rng: random.Random) -> bytearray:
    return flip(body, rng, 200, len(body) - 4096)


def damage_page(body: bytearray, rng: random.Random) -> bytearray:
    return flip(body, rng, len(body) - 4096, len(body))


def damage_mixed(body: bytearray, rng: random.Random) -> bytearray:
    """The page of another moment behind this body."""
    page = bytearray(body[-4096:])
    return body[:-4096] + page.replace(b'"seq": 50', b'"seq": 49')


def damage_longer(body: bytearray, rng: random.Random) -> bytearray:
    return body + rng.randbytes(rng.randrange(1, 9000))


def flip(body: bytearray, rng: random.Random, start: int, end: int) -> bytearray:
    for _ in range(3):
        body[rng.randrange(start, min(end, len(body)))] ^= 1 << rng.randrange(8)
    return body


DAMAGES = [damage_cut, damage_head, damage_body, damage_page, damage_mixed, damage_longer]


@BOTH
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_built_again_and_the_answer_is_right(
    tmp_path: Path, damage, sizes: Sizes
) -> None:
    source = filled(50)
    FaissIndex(tmp_path, source, sizes).close()
    whole = (tmp_path / NAME).read_bytes()
    for seed in range(3):
        rng = random.Random(seed)
        (tmp_path / NAME).write_bytes(damage(bytearray(whole), rng))
        index = FaissIndex(tmp_path, source, sizes)
        assert right(index, source)
        assert len(index.notes) == 1
        assert (tmp_path / NAME).read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"x" * 4095])
def test_a_file_of_something_else_is_built_again(tmp_path: Path, content: bytes) -> None:
    source = filled(20)
    (tmp_path / NAME).write_bytes(content)
    assert right(FaissIndex(tmp_path, source), source)


def test_a_file_of_another_source_is_never_searched(tmp_path: Path) -> None:
    FaissIndex(tmp_path, filled(20, name="nano@1 generation 1")).close()
    other = MemorySource(name="nano@2 generation 2")
    other.put(range(100, 120), unit_vectors(20, seed=4))
    index = FaissIndex(tmp_path, other)
    assert right(index, other)
    assert "nano@1 generation 1" in index.notes[0]


def test_a_file_of_another_layout_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = filled(20)
    FaissIndex(tmp_path, source).close()
    monkeypatch.setattr("vidqa.archive.vectors.trailer.LAYOUT", 99)
    index = FaissIndex(tmp_path, source)
    assert index.notes == ["the index file is of layout 2, not 99; building it from the database"]
    assert right(index, source)


def test_a_folder_that_cannot_be_written_is_searched_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    source = filled(20)
    index = FaissIndex(tmp_path / "file" / "index", source)
    assert right(index, source)
    assert "searching in memory" in index.notes[1]
    with pytest.raises(ArchiveError) as refused:
        FaissIndex(tmp_path / "file" / "index", source, Sizes(tail_least=-1)).settle()
    assert refused.value.code == "index_unwritable"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = filled(20)
    index = FaissIndex(tmp_path, source, Sizes(tail_least=0))
    before = (tmp_path / NAME).read_bytes()
    source.put([21, 22], unit_vectors(2, seed=7))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArchiveError, match="No space left"):
        index.settle()
    assert (tmp_path / NAME).read_bytes() == before
    assert not list(tmp_path.glob("*.tmp"))
    assert right(index, source)


def test_while_another_owns_the_folder_nothing_is_written(tmp_path: Path) -> None:
    source = filled(20)
    with FileLock(tmp_path / LOCK, timeout=0):
        index = FaissIndex(tmp_path, source)
        assert right(index, source)
        assert not (tmp_path / NAME).exists()
    FaissIndex(tmp_path, source)
    assert (tmp_path / NAME).exists()


@pytest.mark.parametrize("part", [64, 1 << 20])
def test_deleted_vectors_become_zeros_in_the_file_where_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr("vidqa.archive.vectors.parts.PART", part)
    source = filled(300)
    index = FaissIndex(tmp_path, source, LISTS)
    before, inode = (tmp_path / NAME).read_bytes(), (tmp_path / NAME).stat().st_ino
    codes = [code for _, code in stored(before)]
    gone = [7, 8, 250]
    source.delete(gone)
    assert FaissIndex.scrub(tmp_path, source)
    after = (tmp_path / NAME).read_bytes()
    assert (tmp_path / NAME).stat().st_ino == inode
    assert [id_ for id_, code in stored(after) if not code.any()] == gone
    assert sum(not code.any() for code in codes) == 0
    assert len(after) == len(before)
    again = FaissIndex(tmp_path, source, LISTS)
    assert (again.notes, again.count, again.applied) == ([], 297, source.last_seq())
    for each in (again, index):
        each.refresh()
        assert right(each, source)


def test_a_scrub_that_was_cut_short_leaves_a_file_that_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = filled(300)
    FaissIndex(tmp_path, source, LISTS).close()
    source.delete([7])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr("vidqa.archive.vectors.snapshot.digests_after", killed)
        with pytest.raises(KeyboardInterrupt):
            FaissIndex.scrub(tmp_path, source)
    index = FaissIndex(tmp_path, source, LISTS)
    assert (len(index.notes), right(index, source)) == (1, True)
    assert FaissIndex(tmp_path, source, LISTS).notes == []


def stored(file: bytes) -> list[tuple[int, np.ndarray]]:
    """Ids and codes in an index file, by id."""
    index = faiss.deserialize_index(np.frombuffer(file, dtype=np.uint8))
    lists, pairs = index.invlists, []  # freed with their index
    for number in range(lists.nlist):
        size = lists.list_size(number)
        ids = faiss.rev_swig_ptr(lists.get_ids(number), size).copy()
        codes = faiss.rev_swig_ptr(lists.get_codes(number), size * lists.code_size).copy()
        pairs += zip(ids.tolist(), codes.reshape(size, -1), strict=True)
    return sorted(pairs, key=lambda pair: pair[0])


def test_what_cannot_be_scrubbed_is_left_as_it_is(tmp_path: Path) -> None:
    source = filled(50)
    assert not FaissIndex.scrub(tmp_path, source)
    assert not tmp_path.joinpath(LOCK).exists()
    FaissIndex(tmp_path, source)  # flat
    whole = (tmp_path / NAME).read_bytes()
    source.delete([3])
    assert not FaissIndex.scrub(tmp_path, source)
    with FileLock(tmp_path / LOCK, timeout=0):
        assert not FaissIndex.scrub(tmp_path, source)
    assert (tmp_path / NAME).read_bytes() == whole


def test_a_reader_waits_for_who_changes_the_file_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = filled(300)
    FaissIndex(tmp_path, source, LISTS).close()
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    lock = FileLock(tmp_path / LOCK, thread_local=False).acquire()

    def mend() -> None:
        (tmp_path / NAME).write_bytes(whole)
        lock.lock.release()

    mending = threading.Timer(0.3, mend)
    mending.start()
    index = FaissIndex(tmp_path, source, LISTS)
    mending.join()
    assert (index.notes, source.reads) == ([], 1)


def test_only_a_long_tail_is_written(tmp_path: Path) -> None:
    source = filled(20)
    index = FaissIndex(tmp_path, source, Sizes(tail_least=3))
    before = (tmp_path / NAME).stat().st_ino
    source.put([21, 22, 23], unit_vectors(3, seed=7))
    index.settle()
    assert (tmp_path / NAME).stat().st_ino == before
    source.put([24], unit_vectors(1, seed=8))
    index.settle()
    assert (tmp_path / NAME).stat().st_ino != before
    source.reads = 0
    assert FaissIndex(tmp_path, source).applied == 24
    assert source.reads == 0


def test_the_kind_follows_the_bytes_of_a_scan() -> None:
    sizes = Sizes(flat_bytes=16_000)
    kinds: list[Kind] = [kind_for(count, 8, sizes) for count in (0, 1000, 1001)]
    assert kinds == ["flat", "flat", "lists"]


def test_a_grown_archive_gets_lists_and_a_shrunk_one_loses_them(tmp_path: Path) -> None:
    sizes = Sizes(flat_bytes=16 * 30, tail_least=0)
    source = filled(30)
    index = FaissIndex(tmp_path, source, sizes)
    kinds = [index.kind]
    for change in (
        lambda: source.put(range(31, 46), unit_vectors(15, seed=2)),
        lambda: source.delete(range(1, 21)),
        lambda: source.delete(range(21, 26)),
    ):
        change()
        index.settle()
        kinds.append(index.kind)
        assert right(index, source)
        assert right(FaissIndex(tmp_path, source, sizes), source)
    assert kinds == ["flat", "lists", "lists", "flat"]


def test_lists_are_trained_again_when_there_are_twice_as_many(tmp_path: Path) -> None:
    source = filled(100)
    index = FaissIndex(tmp_path, source, LISTS)
    source.put(range(101, 201), unit_vectors(100, seed=2))
    assert source.reads == 1
    index.settle()
    assert source.reads == 2
    assert right(index, source)


def test_a_search_among_some_reads_as_many_lists_as_it_takes() -> None:
    source = filled(4000)
    body = build_body([source.vectors_of(np.arange(1, 4001))], 8, LISTS)
    assert body.index.nlist == 64
    some = np.arange(10, 4000, 400)
    found = body.nearest(QUERIES, 10, some)
    assert [sorted(row) for row in found.tolist()] == [some.tolist()] * 3


def test_ids_far_apart_are_selected_too() -> None:
    source = MemorySource()
    ids = [5, 2**40, 2**61]
    source.put(ids, unit_vectors(3))
    body = build_body([source.vectors_of(np.array(ids))], 8, Sizes())
    found = body.nearest(QUERIES[:1], 2, body.holds(np.array([2**61, 5])))
    assert sorted(found[0].tolist()) == [5, 2**61]


@BOTH
def test_vectors_that_are_all_the_same_are_found(tmp_path: Path, sizes: Sizes) -> None:
    source = MemorySource()
    source.put(range(1, 301), np.repeat(unit_vectors(1), 300, axis=0))
    found = FaissIndex(tmp_path, source, sizes).search(QUERIES[:1], 10)
    assert len(set(found.ids_QK[0].tolist()) - {-1}) == 10
    assert len(set(found.scores_QK[0].tolist())) == 1


def test_a_source_with_another_mean_has_to_be_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = filled(10)
    index = FaissIndex(tmp_path, source)

    def moved(*_: object) -> None:
        raise ChangesPruned("another mean", code="mean_changed", next_step="Open it anew.")

    monkeypatch.setattr(source, "changes_after", moved)
    monkeypatch.setattr(source, "blocks", moved)
    with pytest.raises(ChangesPruned):
        index.refresh()


def test_a_closed_index_says_so(tmp_path: Path) -> None:
    index = FaissIndex(tmp_path, filled(5))
    index.close()
    for act in (lambda: index.search(QUERIES, 1), index.refresh, index.settle):
        with pytest.raises(ArchiveError) as refused:
            act()
        assert refused.value.code == "index_closed"


def _search_in_child(folder: Path, answers, index: FaissIndex) -> None:
    source = filled(50)
    try:
        index.search(QUERIES, 1)
    except ArchiveError as err:
        answers.put(err.code)
    answers.put(right(FaissIndex(folder, source, LISTS), source))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@FORKS
def test_a_forked_child_opens_its_own(tmp_path: Path) -> None:
    source = filled(50)
    faiss.omp_set_num_threads(2)
    index = FaissIndex(tmp_path, source, LISTS)
    assert right(index, source)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    child = fork.Process(target=_search_in_child, args=(tmp_path, answers, index))
    child.start()
    assert [answers.get(timeout=60), answers.get(timeout=60)] == ["index_forked", True]
    child.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@FORKS
def test_a_writer_killed_at_any_moment_leaves_a_good_file(tmp_path: Path) -> None:
    source = PlainSource(tmp_path / "vectors.db", 8, "plain")
    source.put(range(1, 4001), unit_vectors(4000))
    wanted = nearest_of(source.vectors_of(np.arange(1, 4001)), QUERIES, 5).ids_QK
    rng = random.Random(0)
    FaissIndex(tmp_path / "index", source)
    half_done = 0
    for _ in range(15):
        half_done += kill_a_writer(source, tmp_path / "index", rng, 0.02)
        index = FaissIndex(tmp_path / "index", source)
        assert index.notes == []
        np.testing.assert_array_equal(index.search(QUERIES, 5).ids_QK, wanted)
    assert half_done
    FaissIndex(tmp_path / "index", source, ALWAYS).settle()
    assert not list((tmp_path / "index").glob("*.tmp"))
    source.close()


READER = """
import json, sys
from pathlib import Path
from benchmarks.plain_source import PlainSource
from tests.vidqa.archive.vectors.sources import unit_vectors
from vidqa.archive.vectors.local import FaissIndex
source = PlainSource(Path(sys.argv[1]), 8, "plain")
index = FaissIndex(Path(sys.argv[2]), source)
print("ready", flush=True)
for line in sys.stdin:
    index.refresh()
    found = index.search(unit_vectors(3, seed=9), 5)
    print(json.dumps([index.applied, found.ids_QK.tolist(), index.notes]), flush=True)
"""


def test_two_processes_find_the_same_while_one_writes(tmp_path: Path) -> None:
    source = PlainSource(tmp_path / "vectors.db", 8, "plain")
    source.put(range(1, 101), unit_vectors(100))
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, tmp_path / "vectors.db", tmp_path / "index"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdout.readline()
    index = FaissIndex(tmp_path / "index", source, Sizes(tail_least=0))
    for step in range(5):
        source.put([1000 + step], unit_vectors(1, seed=step))
        source.delete([step + 1])
        index.settle()
        reader.stdin.write("go\n")
        reader.stdin.flush()
        applied, ids, notes = json.loads(reader.stdout.readline())
        assert (applied, notes) == (source.last_seq(), [])
        assert ids == index.search(QUERIES, 5).ids_QK.tolist()
    reader.communicate()
    source.close()
