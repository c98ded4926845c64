"""A chat as one question to one video.

The last turn of the user is the question. The media may come with any turn; one video or one
picture at most counts as *the* video, and the same one may be shown again. Earlier turns, where
there are any, are written out in front of the question. System turns replace the system prompt.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from vidqa.api.chat.errors import ChatError
from vidqa.api.chat.schemas import ChatRequest, ImagePart, Message, TextPart, VideoPart

SCHEME = "vidqa://"
Kind = Literal["video", "image"]
_DATA = re.compile(
    r"data:(?P<type>[\w.+-]{1,50}/[\w.+-]{1,80})?(?P<rest>(?:;[\w.=+-]{1,100}){0,8}),"
)
_DATA_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The video or picture a chat is about; one of the three is given."""

    kind: Kind
    video_id: str | None = None
    url: str | None = None
    data: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a chat comes to."""

    media: Media
    question: str
    system: str | None
    max_tokens: int | None
    stops: tuple[str, ...]


def asked_of(chat: ChatRequest) -> Asked:
    """The question in a chat; raises :class:`ChatError` naming what cannot be answered."""
    _check_supported(chat)
    turns = [turn for turn in chat.messages if turn.role in ("user", "assistant")]
    if not turns or turns[-1].role != "user":
        raise ChatError("The last message must be the user's.", "no_question", "messages")
    question = _words(turns[-1]).strip()
    if not question:
        raise ChatError("The last message asks nothing.", "no_question", "messages")
    system = "\n".join(filter(None, (_words(t) for t in chat.messages if t not in turns)))
    return Asked(
        media=_media(chat.messages),
        question=_with_history(turns[:-1], question),
        system=system.strip() or None,
        max_tokens=chat.max_completion_tokens or chat.max_tokens,
        stops=_stops(chat),
    )


def _check_supported(chat: ChatRequest) -> None:
    asks = {
        "n": chat.n not in (None, 1),
        "logprobs": bool(chat.logprobs),
        "top_logprobs": bool(chat.top_logprobs),
        "presence_penalty": bool(chat.presence_penalty),
        "frequency_penalty": bool(chat.frequency_penalty),
        "logit_bias": bool(chat.logit_bias),
        "tools": bool(chat.tools),
        "tool_choice": chat.tool_choice not in (None, "none", "auto"),
        "response_format": bool(chat.response_format and chat.response_format.type != "text"),
        "modalities": chat.modalities not in (None, [], ["text"]),
    }
    for name, asked in asks.items():
        if asked:
            raise ChatError(
                f"'{name}' with this value is not supported here.", "unsupported_value", name
            )


def _words(turn: Message) -> str:
    if isinstance(turn.content, str):
        return turn.content
    return "\n".join(part.text for part in turn.content if isinstance(part, TextPart))


def _with_history(earlier: list[Message], question: str) -> str:
    """The question behind what was said before, a line a turn; alone where nothing was."""
    told = [f"{turn.role.capitalize()}: {words}" for turn in earlier if (words := _words(turn))]
    return "\n".join([*told, f"User: {question}"]) if told else question


def _media(turns: list[Message]) -> Media:
    shown = dict.fromkeys(
        (part.type, _url(part))
        for turn in turns
        if not isinstance(turn.content, str)
        for part in turn.content
        if isinstance(part, (VideoPart, ImagePart))
    )
    if len(shown) != 1:
        raise ChatError(
            "Show one video or one picture: {'type': 'video_url', 'video_url': {'url': ...}}."
            if not shown
            else f"{len(shown)} videos or pictures are shown; one can be asked about at a time.",
            "media_count",
            "messages",
        )
    kind, url = next(iter(shown))
    return _media_at("image" if kind == "image_url" else "video", url)


def _url(part: VideoPart | ImagePart) -> str:
    return part.video_url.url if isinstance(part, VideoPart) else part.image_url.url


def _media_at(kind: Kind, url: str) -> Media:
    if url.startswith(SCHEME):
        return Media(kind=kind, video_id=url.removeprefix(SCHEME))
    if url[:5].lower() == "data:":
        return Media(kind=kind, data=read_data_url(url))
    if url.lower().startswith(("http://", "https://")):
        return Media(kind=kind, url=url)
    raise ChatError(
        f"{url[:60]!r} is no place of a video: write vidqa://vid_..., https://... or data:...",
        "invalid_url",
        "messages",
    )


def read_data_url(url: str) -> bytes:
    """The bytes in a ``data:`` URL (RFC 2397), base64 or percent-encoded, 16 MiB at most.

    The media type that it states is not looked at: what the bytes are is told by them.
    """
    head = _DATA.match(url[:1_000])
    if head is None:
        raise ChatError("A data: URL cannot be read.", "invalid_url", "messages")
    body = url[head.end() :]
    if len(body) > 4 * _DATA_BYTES // 3 + 4:
        raise _too_much()
    try:
        if head["rest"].endswith(";base64"):
            data = base64.b64decode(body, validate=True)
        else:
            data = unquote_to_bytes(body)
    except (binascii.Error, ValueError) as err:
        raise ChatError("A data: URL is no base64.", "invalid_url", "messages") from err
    if not data:
        raise ChatError("A data: URL holds nothing.", "invalid_url", "messages")
    if len(data) > _DATA_BYTES:
        raise _too_much()
    return data


def _too_much() -> ChatError:
    return ChatError(
        f"A data: URL may hold {_DATA_BYTES // 2**20} MiB; upload the file to /v1/videos and show"
        " vidqa://vid_... instead.",
        "too_large",
        "messages",
        413,
    )


def _stops(chat: ChatRequest) -> tuple[str, ...]:
    given = [chat.stop] if isinstance(chat.stop, str) else chat.stop or []
    return tuple(filter(None, given))
