"""A result of ``ask`` as a completion, whole or in the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from vidqa.api.chat.schemas import About, ChatReply, ReplyChoice, ReplyMessage, Usage

Body = Mapping[str, Any]
DONE = "[DONE]"


def reply_of(
    job_id: str, created: float, model: str, result: Body, stops: Sequence[str]
) -> ChatReply:
    """The completion; ``created`` is seconds since the epoch."""
    return ChatReply(
        id=completion_id(job_id),
        created=int(created),
        model=model,
        choices=[
            ReplyChoice(
                message=ReplyMessage(content=_content(result, stops)), finish_reason=_ended(result)
            )
        ],
        usage=usage_of(result),
        vidqa=about(job_id, result),
    )


def chunks_of(reply: ChatReply, *, include_usage: bool) -> Iterator[dict[str, Any]]:
    """The chunks of a stream, in order: the role, the words, why they end; then, where it is asked
    for, what it cost."""
    choice = reply.choices[0]
    yield _chunk(reply, {"role": "assistant", "content": ""}, None, include_usage)
    if choice.message.content:
        yield _chunk(reply, {"content": choice.message.content}, None, include_usage)
    last = _chunk(reply, {}, choice.finish_reason, include_usage)
    yield {**last, "vidqa": reply.vidqa.model_dump()}
    if include_usage:
        yield {**_head(reply), "choices": [], "usage": reply.usage.model_dump()}


def completion_id(job_id: str) -> str:
    """A completion is known by its job."""
    return "chatcmpl-" + job_id.removeprefix("job_")


def usage_of(result: Body) -> Usage:
    """Tokens of frames that all looks took, and of the reply."""
    seen = sum(int(each["video_tokens"]) for each in result.get("passes", ()))
    said = int((result.get("reply") or {}).get("tokens") or 0)
    return Usage(prompt_tokens=seen, completion_tokens=said, total_tokens=seen + said)


def about(job_id: str, result: Body) -> About:
    """What OpenAI's shape has no place for."""
    evidence = list(result.get("evidence", ()))
    return About(job_id=job_id, outcome=result.get("outcome"), evidence=evidence)


def _content(result: Body, stops: Sequence[str]) -> str:
    """The answer; the model's own words where no answer could be read in them; up to a stop."""
    text = str(result.get("answer") or (result.get("reply") or {}).get("text") or "")
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _ended(result: Body) -> Literal["stop", "length"]:
    return "length" if (result.get("reply") or {}).get("cut_short") else "stop"


def _head(reply: ChatReply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "object": "chat.completion.chunk",
        "created": reply.created,
        "model": reply.model,
    }


def _chunk(
    reply: ChatReply, delta: dict[str, Any], ended: str | None, include_usage: bool
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": ended}
    return {**_head(reply), "choices": [choice], **({"usage": None} if include_usage else {})}
