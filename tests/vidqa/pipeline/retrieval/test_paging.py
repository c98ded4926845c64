"""Pages of one ranking hold every hit once; a token is good for its own request alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.errors import QueryError
from vidqa.pipeline.retrieval.paging import Place, page_of, place_of, request_key, token_of


@given(st.integers(0, 60), st.integers(1, 20))
def test_all_pages_together_are_the_ranking(count: int, limit: int) -> None:
    items, seen, token = list(range(count)), [], None
    key = request_key("door", limit)
    while True:
        place = place_of(token, 0, key)
        shown, following = page_of(items, place, limit)
        seen += shown
        if following is None:
            break
        token = token_of(Place(following, key, 7))
    assert seen == items


@given(st.text(max_size=40))
def test_whatever_is_no_token_is_an_error(text: str) -> None:
    with pytest.raises(QueryError):
        place_of(text, 0, "0" * 16)


def test_a_token_of_another_request_is_refused() -> None:
    token = token_of(Place(10, request_key("door"), None))
    assert place_of(token, 0, request_key("door")).offset == 10
    with pytest.raises(QueryError, match="another search") as caught:
        place_of(token, 0, request_key("window"))
    assert caught.value.code == "page_of_other"


@pytest.mark.parametrize(("token", "offset"), [(None, -1), ("WzEsIiIsMV0", 3)])
def test_an_offset_that_cannot_be_is_refused(token: str | None, offset: int) -> None:
    with pytest.raises(QueryError):
        place_of(token, offset, "")


def test_a_page_of_no_hits_is_refused() -> None:
    with pytest.raises(QueryError):
        page_of([1], Place(0, ""), 0)
