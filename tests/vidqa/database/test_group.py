"""Group commit: what waits together is committed together, and each is told its own outcome."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from vidqa.database import GroupCommit


class Log:
    """A commit that remembers its runs; a negative number is refused, zero breaks the whole run."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.going = threading.Event()
        self.going.set()

    def commit(self, items: Sequence[int]) -> list[int | Exception]:
        self.going.wait(30)
        self.runs.append(list(items))
        if 0 in items:
            raise RuntimeError("broken")
        return [ValueError(str(n)) if n < 0 else 2 * n for n in items]


def test_each_change_gets_its_own_outcome() -> None:
    log = Log()
    group: GroupCommit[int, int] = GroupCommit(log.commit, "test")
    futures = [group.put(n) for n in (1, -2, 3)]
    assert futures[0].result(30) == 2
    with pytest.raises(ValueError, match="-2"):
        futures[1].result(30)
    assert futures[2].result(30) == 6
    group.close()


def test_what_waits_meanwhile_shares_the_next_commit() -> None:
    log = Log()
    log.going.clear()
    group: GroupCommit[int, int] = GroupCommit(log.commit, "test")
    futures = [group.put(n) for n in range(1, 8)]
    log.going.set()
    assert [future.result(30) for future in futures] == [2, 4, 6, 8, 10, 12, 14]
    group.close()
    assert len(log.runs) <= 2
    assert [n for run in log.runs for n in run] == [1, 2, 3, 4, 5, 6, 7]


def test_one_change_that_breaks_a_commit_harms_no_other() -> None:
    log = Log()
    log.going.clear()
    group: GroupCommit[int, int] = GroupCommit(log.commit, "test")
    futures = [group.put(n) for n in (1, 0, 2)]
    log.going.set()
    assert (futures[0].result(30), futures[2].result(30)) == (2, 4)
    with pytest.raises(RuntimeError, match="broken"):
        futures[1].result(30)
    group.close()


def test_what_was_handed_over_is_committed_before_the_end() -> None:
    log = Log()
    group: GroupCommit[int, int] = GroupCommit(log.commit, "test")
    with ThreadPoolExecutor(8) as pool:
        futures = [f.result(30) for f in [pool.submit(group.put, n) for n in range(1, 301)]]
    group.close()
    assert sorted(future.result(0) for future in futures) == [2 * n for n in range(1, 301)]
    with pytest.raises(RuntimeError, match="after the end"):
        group.put(1)
    group.close()
