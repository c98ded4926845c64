"""Faults are ordered by name, and a name that is none is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vidqa.jobs import test_modes, test_nano
from vidqa.errors import SettingsError
from vidqa.jobs.faults import ACTIONS, POINTS, FaultError, Faults, faults_of


def test_nothing_is_ordered_without_an_order() -> None:
    for order in (None, ""):
        for point in POINTS:
            faults_of(order).at(point)


def test_a_fault_comes_at_its_point_alone() -> None:
    faults = faults_of("before_finish:raise")
    faults.at("after_claim")
    with pytest.raises(FaultError):
        faults.at("before_finish")


def test_a_fault_may_come_once(tmp_path: Path) -> None:
    faults = faults_of(f"after_claim:raise@{tmp_path / 'once'}")
    assert faults == Faults(point="after_claim", action="raise", once=tmp_path / "once")
    with pytest.raises(FaultError):
        faults.at("after_claim")
    faults.at("after_claim")


@pytest.mark.parametrize("order", ["kill", "after_claim", "after_claim:explode", "nowhere:kill"])
def test_an_order_that_cannot_be_is_told_with_those_that_can(order: str) -> None:
    with pytest.raises(SettingsError, match="VIDQA_FAULT") as caught:
        faults_of(order)
    assert all(name in caught.value.next_step for name in (*POINTS, *ACTIONS))


def test_every_point_is_tried_somewhere() -> None:
    told = [Path(str(module.__file__)).read_text() for module in (test_modes, test_nano)]
    assert 'for p in POINTS if p != "while_loading"' in told[0]
    assert "while_loading:kill" in told[1]
