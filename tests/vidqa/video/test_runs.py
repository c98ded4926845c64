"""Which packets get decoded: numbers in, numbers out, no file."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vidqa.video.index import PacketIndex
from vidqa.video.runs import Run, plan_runs, share_runs


def index_of(pts: list[int], keys: list[int]) -> PacketIndex:
    count = len(pts)
    ticks = np.array(pts, dtype=np.int64)
    key_P = np.isin(np.arange(count), keys)
    ones = np.ones(count, dtype=np.int64)
    shown = np.ones(count, dtype=np.bool_)
    return PacketIndex(Fraction(1, 25), ticks, ticks, ones, ones, key_P, shown, 1, False)


CLOSED = index_of([0, 3, 1, 2, 4, 7, 5, 6], [0, 4])
OPEN = index_of([0, 3, 1, 2, 6, 4, 5, 7, 10, 8, 9, 11], [0, 4, 8])


def test_decoding_ends_with_the_last_wanted_packet() -> None:
    assert plan_runs(CLOSED, [2]) == [Run(0, 2, (2,))]


def test_a_segment_nobody_wants_is_left_out() -> None:
    assert plan_runs(OPEN, [1, 11]) == [Run(0, 1, (1,)), Run(8, 11, (11,))]


def test_wanted_packets_of_one_segment_share_a_run_whatever_their_order() -> None:
    assert plan_runs(CLOSED, [6, 5, 6]) == [Run(4, 6, (5, 6))]


@pytest.mark.parametrize(("packet", "first"), [(4, 4), (5, 0), (6, 0), (7, 4), (9, 4)])
def test_a_leading_picture_needs_the_segment_before_its_key(packet: int, first: int) -> None:
    assert plan_runs(OPEN, [packet]) == [Run(first, packet, (packet,))]


def test_a_leading_picture_extends_the_run_that_reaches_it() -> None:
    assert plan_runs(OPEN, [3, 5]) == [Run(0, 5, (3, 5))]


def test_a_leading_picture_wanted_with_its_key_still_starts_before_that_key() -> None:
    assert plan_runs(OPEN, [4, 5]) == [Run(0, 5, (4, 5))]
    assert plan_runs(OPEN, [1, 4, 5]) == [Run(0, 5, (1, 4, 5))]


def test_shares_are_contiguous_and_even() -> None:
    runs = [Run(at, at + 9, (at,)) for at in range(0, 80, 10)]
    assert share_runs(runs, 2) == [runs[:4], runs[4:]]
    assert share_runs(runs[:1], 4) == [runs[:1]]
    assert share_runs([], 4) == []
