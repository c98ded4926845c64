"""What may be asked of a job, and how a request that cannot be is told."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.errors import JobError
from vidqa.service.ids import new_id
from vidqa.service.requests import content_key, read_request

VIDEO = {"path": "/films/door.mp4"}
GROUND = {"video": VIDEO, "query": "person opens door"}


def refused(kind: str, body: dict[str, Any]) -> JobError:
    with pytest.raises(JobError) as caught:
        read_request(kind, body)
    return caught.value


def test_a_request_reads_back_as_itself() -> None:
    body = {**GROUND, "start": 3.5, "end": 60.0, "passes": 4, "thorough": True}
    request = read_request("ground", body)
    assert request.to_dict() == body
    assert read_request("ground", request.to_dict()) == request


def test_times_may_be_timecodes() -> None:
    request = read_request("describe", {"video": VIDEO, "start": "1:23.5", "end": "1:02:03"})
    assert request.to_dict() == {"video": VIDEO, "start": 83.5, "end": 3723.0}


@pytest.mark.parametrize(
    ("kind", "body", "name"),
    [
        ("ground", {"video": VIDEO}, "query"),
        ("ground", {**GROUND, "querry": "x"}, "querry"),
        ("ground", {"video": {}, "query": "x"}, "video"),
        ("ground", {"video": {"path": "/a", "url": "https://b/c"}, "query": "x"}, "exactly one"),
        ("ground", {"video": {"video_id": "../../etc"}, "query": "x"}, "no id of a video"),
        ("ground", {**GROUND, "query": " "}, "query"),
        ("ground", {**GROUND, "query": "x" * 2001}, "query"),
        ("ground", {**GROUND, "query": "a\x00b"}, "no text"),
        ("ground", {**GROUND, "query": "a\ud800b"}, "query"),
        ("ground", {**GROUND, "start": "soon"}, "start"),
        ("ground", {**GROUND, "start": float("nan")}, "start"),
        ("ground", {**GROUND, "start": 5, "end": 5}, "not before end"),
        ("ground", {**GROUND, "passes": True}, "passes"),
        ("ground", {**GROUND, "thorough": "yes"}, "thorough"),
        ("ask", {"question": "What?"}, "exactly one of video and archive_id"),
        ("ask", {"question": "What?", "archive_id": "a", "start": 1}, "one video"),
        ("index", {"videos": []}, "videos"),
    ],
)
def test_a_request_that_cannot_be_is_told_by_name(
    kind: str, body: dict[str, Any], name: str
) -> None:
    err = refused(kind, body)
    assert err.code == "request_invalid"
    assert name in str(err)
    assert not err.retryable


def test_an_unknown_kind_is_told_with_those_there_are() -> None:
    err = refused("transcribe", {})
    assert err.code == "kind_unknown"
    assert "ground, ask, describe, index" in err.next_step


def test_indexing_is_work_for_the_processor_and_questions_for_the_card() -> None:
    assert read_request("index", {"videos": [VIDEO]}).queue == "cpu"
    assert read_request("ground", GROUND).queue == "gpu"


def test_equal_questions_to_equal_videos_have_equal_keys_whatever_their_ids() -> None:
    one, other = (
        read_request("ground", {"video": {"video_id": new_id("vid")}, "query": "x"})
        for _ in range(2)
    )
    assert content_key(one, "ab" * 32) == content_key(other, "ab" * 32)
    assert content_key(one, "ab" * 32) != content_key(one, "cd" * 32)
    assert content_key(one, None) != content_key(other, None)


@given(
    st.dictionaries(
        st.sampled_from(["video", "query", "start", "end", "passes", "strict", "deadline_s", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_whatever_is_sent_is_a_request_or_an_error_of_ours(body: dict[str, Any]) -> None:
    with suppress(JobError):
        request = read_request("ground", body)
        assert read_request("ground", request.to_dict()) == request
