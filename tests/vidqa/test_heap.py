"""Giving memory back is safe anywhere."""

from __future__ import annotations

import pytest

from vidqa import heap


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_there_is_no_such_call(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heap._trim.cache_clear()
    monkeypatch.setattr("sys.platform", platform)
    assert heap._trim() is None
    heap.give_back()
    heap._trim.cache_clear()


def test_here_memory_is_given_back_where_the_c_library_can() -> None:
    heap.give_back()
