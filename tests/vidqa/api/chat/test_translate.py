"""A chat is one question to one video, and what it cannot be is told by name."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vidqa.api.chat.errors import ChatError, envelope
from vidqa.api.chat.replies import chunks_of, reply_of
from vidqa.api.chat.schemas import ChatRequest
from vidqa.api.chat.translate import Asked, asked_of, read_data_url

VIDEO = {"type": "video_url", "video_url": {"url": "vidqa://vid_1"}}


def words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def user(*parts: dict[str, Any] | str) -> dict[str, Any]:
    told = [words(part) if isinstance(part, str) else part for part in parts]
    return {"role": "user", "content": told}


def asked(*messages: dict[str, Any], **fields: Any) -> Asked:
    return asked_of(ChatRequest.model_validate({"model": "nano", "messages": messages, **fields}))


def refused(*messages: dict[str, Any], **fields: Any) -> ChatError:
    with pytest.raises(ChatError) as told:
        asked(*messages, **fields)
    return told.value


def test_the_last_message_is_the_question_and_its_part_the_video() -> None:
    told = asked(user(VIDEO, "What is it?"), max_completion_tokens=9, max_tokens=5, stop="\n")
    assert told.media.video_id == "vid_1"
    assert told.media.kind == "video"
    assert (told.question, told.system, told.max_tokens, told.stops) == (
        "What is it?",
        None,
        9,
        ("\n",),
    )


def test_earlier_turns_stand_in_front_of_the_question() -> None:
    told = asked(
        {"role": "system", "content": "Be brief."},
        user(VIDEO, "What is it?"),
        {"role": "assistant", "content": "A door."},
        {"role": "user", "content": "Which colour?"},
    )
    assert told.question == "User: What is it?\nAssistant: A door.\nUser: Which colour?"
    assert told.system == "Be brief."


def test_the_same_video_may_be_shown_twice_and_two_may_not() -> None:
    assert asked(user(VIDEO, "a"), user(VIDEO, "b")).media.video_id == "vid_1"
    other = {"type": "image_url", "image_url": {"url": "vidqa://vid_2"}}
    assert refused(user(VIDEO, other, "a")).code == "media_count"
    assert refused(user("a")).code == "media_count"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a.example/v.mp4", "url"),
        ("HTTP://a.example/v.mp4", "url"),
        ("data:video/mp4;base64," + base64.b64encode(b"film").decode(), "data"),
        ("data:,film", "data"),
    ],
)
def test_a_video_may_be_a_url_or_lie_in_the_request(url: str, kind: str) -> None:
    media = asked(user({"type": "video_url", "video_url": {"url": url}}, "x")).media
    assert getattr(media, kind) == (b"film" if kind == "data" else url)
    assert media.video_id is None


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/etc/passwd", "ftp://a/b", "gopher://a"])
def test_another_scheme_is_no_place_of_a_video(url: str) -> None:
    part = {"type": "video_url", "video_url": {"url": url}}
    assert refused(user(part, "x")).code == "invalid_url"


@pytest.mark.parametrize(
    "url", ["data:", "data:x", "data:;base64,%%%", "data:;base64,", "data:video/mp4;base64,A"]
)
def test_a_data_url_that_cannot_be_read_is_told(url: str) -> None:
    with pytest.raises(ChatError) as told:
        read_data_url(url)
    assert told.value.code == "invalid_url"


def test_a_data_url_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidqa.api.chat.translate._DATA_BYTES", 8)
    for url in ("data:;base64," + base64.b64encode(b"x" * 9).decode(), "data:," + "x" * 9):
        with pytest.raises(ChatError) as told:
            read_data_url(url)
        assert told.value.status == 413


@given(st.text(max_size=60))
def test_no_data_url_fails_in_another_way(rest: str) -> None:
    try:
        assert read_data_url("data:" + rest)
    except ChatError as err:
        assert err.code == "invalid_url"  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("logprobs", True),
        ("tools", [{}]),
        ("tool_choice", "required"),
        ("response_format", {"type": "json_object"}),
        ("presence_penalty", 0.5),
        ("logit_bias", {"1": 1.0}),
        ("modalities", ["audio"]),
    ],
)
def test_what_would_have_to_change_the_reply_is_refused_by_name(name: str, value: object) -> None:
    err = refused(user(VIDEO, "x"), **{name: value})
    assert (err.code, err.param) == ("unsupported_value", name)


def test_what_openais_clients_send_besides_is_taken() -> None:
    fields = {
        "temperature": 0.2,
        "top_p": 1,
        "seed": 3,
        "n": 1,
        "tools": [],
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "logprobs": False,
        "user": "me",
    }
    assert asked(user(VIDEO, "x"), **fields).question == "x"


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "assistant", "content": "x"}],
        [{"role": "system", "content": "x"}],
        [user(VIDEO)],
        [user(VIDEO, "  ")],
    ],
)
def test_a_chat_that_asks_nothing_is_refused(messages: list[dict[str, Any]]) -> None:
    assert refused(*messages).code == "no_question"


@pytest.mark.parametrize(
    "body",
    [
        {"model": "nano", "messages": [user(VIDEO, "x")], "frobnicate": 1},
        {"model": "nano", "messages": []},
        {"model": "nano", "messages": [{"role": "tool", "content": "x"}]},
        {"model": "nano", "messages": [user({"type": "input_audio"})]},
    ],
)
def test_unknown_names_roles_and_parts_are_errors(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ChatRequest.model_validate(body)


RESULT = {
    "outcome": "found",
    "answer": "A ladder.\nIt is red.",
    "evidence": [{"id": "seg_1", "start": 1.0, "end": 2.0}],
    "passes": [{"video_tokens": 1200}, {"video_tokens": 300}],
    "reply": {"text": "<answer>...", "tokens": 11, "cut_short": False},
}
JOB_ID = "job_01jd9x5t3vq7m0z8k2c4e6g8ha"


def test_a_result_is_a_completion_with_usage_and_evidence() -> None:
    told = reply_of(JOB_ID, 7.9, "nano", RESULT, ["\n"]).model_dump()
    assert told == {
        "id": "chatcmpl-01jd9x5t3vq7m0z8k2c4e6g8ha",
        "object": "chat.completion",
        "created": 7,
        "model": "nano",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "A ladder.", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1500, "completion_tokens": 11, "total_tokens": 1511},
        "vidqa": {"job_id": JOB_ID, "outcome": "found", "evidence": RESULT["evidence"]},
    }


def test_where_no_answer_could_be_read_the_models_own_words_are_told() -> None:
    result = {**RESULT, "answer": "", "reply": {"text": "hm", "tokens": 1, "cut_short": True}}
    choice = reply_of(JOB_ID, 0, "nano", result, []).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("hm", "length")


def test_chunks_join_to_the_reply_and_the_last_tells_the_cost() -> None:
    reply = reply_of(JOB_ID, 0, "nano", RESULT, [])
    chunks = list(chunks_of(reply, include_usage=True))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == RESULT["answer"]
    assert deltas[0]["role"] == "assistant"
    assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]] == [
        None,
        None,
        "stop",
    ]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 1511
    assert all("usage" not in chunk for chunk in chunks_of(reply, include_usage=False))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (401, "authentication_error"), (503, "server_error")],
)
def test_errors_come_in_openais_envelope(status: int, kind: str) -> None:
    assert envelope("no", status=status, code="c", param="p") == {
        "error": {"message": "no", "type": kind, "param": "p", "code": "c"}
    }
