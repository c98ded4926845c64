"""Sightings of several looks become events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.pipeline.merge import Sighting, event_of, merge_sightings
from vidqa.timeline import Span


def sighting(start_s: float, end_s: float, look: int, seen: tuple[float, float]) -> Sighting:
    return Sighting(
        span=Span(start_s, end_s), seen=Span(*seen), row_s=1.0, digits=0.8, yes=0.9, look=look
    )


def test_the_event_is_the_median_of_what_the_looks_saw() -> None:
    event = event_of([sighting(10.0, 14.0, 0, (0, 30)), sighting(10.4, 14.6, 1, (0.5, 30.5))])
    assert (event.span, event.precision_s) == (Span(10.2, 14.3), 1.0)
    assert event.agreement == pytest.approx(3.6 / 4.6)


def test_an_end_that_a_window_cut_off_does_not_count() -> None:
    cut, whole = sighting(28.0, 32.0, 0, (0, 32)), sighting(28.2, 34.5, 1, (16, 48))
    event = event_of([cut, whole])
    assert event.span == Span(28.1, 34.5)
    assert not event.is_cut
    assert event_of([cut]).is_cut


def test_looks_that_differ_state_no_more_precision_than_they_have() -> None:
    event = event_of([sighting(10.0, 14.0, 0, (0, 30)), sighting(15.0, 19.0, 1, (0, 30))])
    assert event.precision_s == 2.5


def test_two_events_of_one_look_stay_two() -> None:
    found = [sighting(3.0, 5.0, 0, (0, 30)), sighting(4.0, 6.0, 0, (0, 30))]
    assert len(merge_sightings(found)) == 2


def test_a_look_that_should_have_shown_the_event_and_did_not_refuses_it() -> None:
    found = [sighting(10.0, 14.0, 0, (0, 32))]
    event = merge_sightings(found, {0: Span(0, 32), 1: Span(0.5, 32.5), 2: Span(12, 44)})[0]
    assert (event.refused, event.agreement, event.is_sure) == (1, 0.0, False)


@given(
    st.lists(
        st.tuples(st.floats(0, 90), st.floats(0.1, 10), st.integers(0, 6)), min_size=1, max_size=12
    )
)
def test_every_sighting_is_in_exactly_one_event(parts: list[tuple[float, float, int]]) -> None:
    found = [sighting(start, start + length, look, (0, 100)) for start, length, look in parts]
    events = merge_sightings(found)
    assert sum(len(event.sightings) for event in events) == len(found)
    assert [e.span for e in events] == sorted(e.span for e in events)
