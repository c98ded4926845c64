"""``Prefer`` is read as RFC 7240 says, and never fails a request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.api.prefer import WAIT_MAX_S, Preference, read_preference


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, Preference()),
        ("", Preference()),
        ("respond-async", Preference(respond_async=True)),
        ("wait=10", Preference(wait_s=10)),
        ("respond-async, wait=10", Preference(respond_async=True, wait_s=10)),
        ("Wait=10,RESPOND-ASYNC", Preference(respond_async=True, wait_s=10)),
        ('wait="7"', Preference(wait_s=7)),
        ("wait = 7 ; reason=none, respond-async", Preference(respond_async=True, wait_s=7)),
        ("wait=5, wait=9", Preference(wait_s=5)),
        ("wait=-1", Preference()),
        ("wait=1e3", Preference()),
        ("wait=٣", Preference()),
        ('handling=lenient, foo="a, wait=3", wait=4', Preference(wait_s=4)),
        ("wait=99999999999999999999", Preference(wait_s=WAIT_MAX_S)),
    ],
)
def test_preferences_that_jobs_know_are_read(header: str | None, wanted: Preference) -> None:
    assert read_preference(header) == wanted


@given(st.text(max_size=200))
def test_no_header_fails_a_request(header: str) -> None:
    told = read_preference(header)
    assert told.wait_s is None or 0 <= told.wait_s <= WAIT_MAX_S


@pytest.mark.parametrize(
    ("preference", "patience_s", "applied"),
    [
        (Preference(), 20, {}),
        (Preference(respond_async=True), 0, {"Preference-Applied": "respond-async"}),
        (Preference(wait_s=3), 3, {"Preference-Applied": "wait=3"}),
        (
            Preference(respond_async=True, wait_s=3),
            3,
            {"Preference-Applied": "respond-async, wait=3"},
        ),
    ],
)
def test_what_was_applied_is_told(
    preference: Preference, patience_s: int, applied: dict[str, str]
) -> None:
    assert preference.patience_s(20) == patience_s
    assert preference.applied == applied
