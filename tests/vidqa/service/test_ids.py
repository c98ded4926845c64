"""Ids sort by the time they were made, and nothing else passes for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.service.ids import id_at, is_id, new_id

_MS = st.integers(0, 2**48 - 1)
_RANDOM = st.integers(0, 2**80 - 1)


def test_an_id_is_the_ulid_of_its_moment_in_lower_case() -> None:
    # The moment is the example that implementations of ULID show.
    assert id_at("job", 0, 0) == "job_" + "0" * 26
    assert id_at("vid", 2**48 - 1, 2**80 - 1) == "vid_7" + "z" * 25
    assert id_at("seg", 1_469_918_176_385, 0) == "seg_01aryz6s41" + "0" * 16


@given(_MS, _MS, _RANDOM, _RANDOM)
def test_ids_sort_as_their_moments_do(ms: int, other: int, random: int, more: int) -> None:
    if ms != other:
        assert (id_at("job", ms, random) < id_at("job", other, more)) == (ms < other)


@given(_MS, _RANDOM)
def test_every_id_is_one(ms: int, random: int) -> None:
    assert is_id("key", id_at("key", ms, random))


@given(st.text())
def test_no_other_text_is_an_id(text: str) -> None:
    assert not is_id("job", text)


def test_an_id_of_another_kind_is_none() -> None:
    assert not is_id("job", new_id("vid"))


@pytest.mark.parametrize("text", ["job_" + "u" * 26, "job_8" + "0" * 25, "job_" + "0" * 26 + "\n"])
def test_near_misses_are_none(text: str) -> None:
    assert not is_id("job", text)


def test_a_thousand_ids_are_a_thousand_different_ones() -> None:
    assert len({new_id("job") for _ in range(1000)}) == 1000
