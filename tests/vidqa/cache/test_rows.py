"""Rows are found again by any window, and only what was once written is ever found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vidqa.cache.some_rows import SPACE, files, known, other, rows, store_in
from vidqa.cache import Space, summary
from vidqa.errors import CacheError


def test_any_subset_in_any_order_is_found_by_whoever_opens_the_folder(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1, 2, 3))
    store.add(SPACE, rows(7, 3))
    for each in (store, store_in(tmp_path)):
        assert known(each, 7, 9, 1, 3) == [7, 1, 3]


@given(st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=6, unique=True), max_size=5))
def test_what_was_added_is_known_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, windows: list[list[int]]
) -> None:
    store = store_in(tmp_path_factory.mktemp("store"))
    for window in windows:
        store.add(SPACE, rows(*window))
    added = {n for window in windows for n in window}
    assert known(store, *range(21)) == sorted(added)


@pytest.mark.parametrize(
    "another",
    [
        other(video="sha256:other"),
        other(height=84),
        other(width=84),
        other(tower="tower bfloat16 on cpu"),
        other(times="text"),
        other(decoder="pyav 2"),
        other(row_bytes=32),
        other(preprocessing=2),
    ],
)
def test_a_row_of_another_video_size_model_or_way_to_read_is_not_this_row(
    tmp_path: Path, another: Space
) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    assert known(store, 1, space=another) == []
    store.add(another, rows(2, space=another))
    assert known(store, 1, 2) == [1]


@pytest.mark.parametrize("cut", [0, 10, 60, 200, -1])
def test_a_file_cut_short_is_removed_and_its_rows_are_unknown(tmp_path: Path, cut: int) -> None:
    store_in(tmp_path).add(SPACE, rows(1, 2))
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:cut])
    assert known(store_in(tmp_path), 1, 2) == []
    assert files(tmp_path) == []


def test_no_flipped_bit_anywhere_in_a_file_changes_what_is_found(tmp_path: Path) -> None:
    store_in(tmp_path).add(SPACE, rows(1, 2))
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        spoiled = bytearray(whole)
        spoiled[at] ^= 1 << at % 8
        path.write_bytes(spoiled)
        assert known(store_in(tmp_path), 1, 2) == []
        assert not path.exists()


def test_damage_is_noticed_by_a_store_that_read_the_file_before(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    assert known(store, 1) == [1]
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert known(store, 1) == []
    assert not path.exists()


def test_a_damaged_row_is_taken_from_another_file_that_has_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1, 2))
    (first,) = files(tmp_path)
    store.add(SPACE, rows(2, 3))
    first.write_bytes(first.read_bytes()[:-1] + b"?")
    assert known(store_in(tmp_path), 2, 3) == [2, 3]


def test_a_row_that_another_process_removed_is_unknown(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    assert known(store, 1) == [1]
    files(tmp_path)[0].unlink()
    assert known(store, 1) == []


def test_what_was_used_longest_ago_goes_when_the_budget_is_passed(tmp_path: Path) -> None:
    size = _file_size(tmp_path / "one")
    store = store_in(tmp_path / "store", int(3.5 * size))
    for n in (1, 2, 3):
        store.add(SPACE, rows(n))
        _age(tmp_path / "store", 100)
    assert known(store, 1) == [1]  # used now
    store.add(SPACE, rows(4))
    assert known(store, 1, 2, 3, 4) == [1, 3, 4]
    assert sum(path.stat().st_size for path in files(tmp_path / "store")) <= 3.5 * size


def test_a_file_larger_than_the_whole_budget_is_refused_and_nothing_goes_for_it(
    tmp_path: Path,
) -> None:
    store = store_in(tmp_path / "store", _file_size(tmp_path / "one") + 1)
    store.add(SPACE, rows(1))
    with pytest.raises(CacheError) as caught:
        store.add(SPACE, rows(2, 3, 4))
    assert caught.value.code == "cache_too_small"
    assert known(store, 1, 2) == [1]


@pytest.mark.parametrize("version", ["rows-v0", "rows-v2"])
def test_files_of_another_version_are_neither_read_nor_touched_unless_the_budget_is_passed(
    tmp_path: Path, version: str
) -> None:
    foreign = tmp_path / version / "ab" / "x.vq"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(bytes(1000))
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    assert (known(store, 1), foreign.exists()) == ([1], True)
    assert [wrong for _, wrong in store.verify()] == [""]
    small = store_in(tmp_path, 1200)
    small.add(SPACE, rows(2))
    assert not foreign.exists()


def test_a_file_of_a_later_layout_in_the_folder_of_this_one_is_no_row(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"vidqa rows 1", b"vidqa rows 2", 1))
    assert known(store_in(tmp_path), 1) == []


def test_verifying_removes_what_is_damaged_and_tells_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    store.add(SPACE, rows(2))
    bad = files(tmp_path)[0]
    bad.write_bytes(bad.read_bytes()[:-1])
    told = {entry.path: wrong for entry, wrong in store.verify()}
    assert (len(told), bool(told[bad]), bad.exists()) == (2, True, False)
    assert all(not wrong for path, wrong in told.items() if path != bad)


def test_the_summary_counts_files_videos_and_rows(tmp_path: Path) -> None:
    store = store_in(tmp_path, 12345)
    store.add(SPACE, rows(1, 2))
    store.add(other(video="sha256:other"), rows(3))
    told = summary(store.folder)
    assert (told["files"], told["videos"], told["rows"]) == (2, 2, 3)
    assert told["bytes"] == sum(path.stat().st_size for path in files(tmp_path))
    assert told["budget_bytes"] == 12345


def test_clearing_and_trimming_leave_what_is_not_ours(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    theirs = sorted([tmp_path / "rows-v1" / "letter.txt", tmp_path / "old.tmp"])
    for path in theirs:
        path.write_text("mine")
        _age(tmp_path, 7200)
    store.folder.trim()
    assert store.folder.clear().files == 1
    assert files(tmp_path) == theirs
    assert known(store, 1) == []


def test_a_folder_below_one_that_is_called_like_a_version_holds_its_own_version(
    tmp_path: Path,
) -> None:
    store = store_in(tmp_path / "rows-v1")
    foreign = tmp_path / "rows-v1" / "rows-v0" / "ab" / "x.vq"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(bytes(1000))
    store.add(SPACE, rows(1))
    assert [wrong for _, wrong in store.verify()] == [""]
    assert summary(store.folder)["rows"] == 1


def test_facts_nested_without_end_are_damage_like_any(tmp_path: Path) -> None:
    with pytest.raises(CacheError) as caught:
        Space.from_json(b'{"a":' * 10_000)
    assert caught.value.code == "cache_damaged"


def _file_size(folder: Path) -> int:
    store_in(folder).add(SPACE, rows(1))
    return files(folder)[0].stat().st_size


def _age(folder: Path, seconds: float) -> None:
    for path in files(folder):
        used_s = path.stat().st_mtime - seconds
        os.utime(path, (used_s, used_s))
