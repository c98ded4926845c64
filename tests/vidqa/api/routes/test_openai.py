"""OpenAI's own client asks about a video as it asks about anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.vidqa.api.routes.conftest import Stand


@pytest.fixture
def client(served: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served}/v1", api_key="none", max_retries=0) as made:
        yield made


def messages(stand: Stand) -> Any:
    url = f"vidqa://{stand.video().id}"
    text, shown = {"type": "text", "text": "What is it?"}, {"url": url}
    return [{"role": "user", "content": [text, {"type": "video_url", "video_url": shown}]}]


def test_a_key_that_is_unknown_where_there_are_none_is_refused(
    stand: Stand, client: openai.OpenAI
) -> None:
    with pytest.raises(openai.AuthenticationError):
        client.models.list()


def keyed(stand: Stand, client: openai.OpenAI, *scopes: str) -> openai.OpenAI:
    header = stand.key(*scopes, tenant="local")["authorization"]
    return client.with_options(api_key=header.removeprefix("Bearer "))


def test_models_and_a_completion(stand: Stand, client: openai.OpenAI) -> None:
    ours = keyed(stand, client)
    assert [model.id for model in ours.models.list()] == ["nano"]
    working = stand.worker.later()
    told = ours.chat.completions.create(model="nano", messages=messages(stand), temperature=0)
    working.join()
    assert told.choices[0].message.content == "A door."
    assert told.usage is not None
    assert told.usage.total_tokens == 15
    assert told.id.startswith("chatcmpl-")


def test_a_streamed_completion(stand: Stand, client: openai.OpenAI) -> None:
    working = stand.worker.later()
    with keyed(stand, client).chat.completions.create(
        model="nano",
        messages=messages(stand),
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = list(stream)
    working.join()
    words = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(words) == "A door."
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 15


def test_its_errors_are_of_its_own_classes(stand: Stand, client: openai.OpenAI) -> None:
    ours = keyed(stand, client)
    with pytest.raises(openai.NotFoundError) as missing:
        ours.chat.completions.create(model="gpt-9", messages=messages(stand))
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as wrong:
        ours.chat.completions.create(model="nano", messages=messages(stand), n=2)
    assert (wrong.value.code, wrong.value.param) == ("unsupported_value", "n")
    with pytest.raises(openai.PermissionDeniedError):
        keyed(stand, client, "read").chat.completions.create(model="nano", messages=messages(stand))
