"""Chat completions as OpenAI's clients send them, as far as a question to one video goes.

Names that OpenAI has and that change nothing here are taken; such as would have to change the reply
and cannot are refused by name (:mod:`vidqa.api.chat.translate`), and unknown names are an error.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MESSAGES_MAX = 256
PARTS_MAX = 64
TEXT_MAX = 32_000
"""Characters of one text; the question that comes of all of them has its own, smaller limit."""
DATA_URL_MAX = 24 * 2**20
"""Characters of a ``data:`` URL."""

Text = Annotated[str, StringConstraints(max_length=TEXT_MAX)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=DATA_URL_MAX)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextPart(_Body):
    """Words."""

    type: Literal["text"]
    text: Text


class MediaUrl(_Body):
    """Where a video or a picture is: ``vidqa://vid_...`` of the library, a ``data:`` URL, or an
    http(s) URL that the service may fetch from."""

    url: Url = Field(examples=["vidqa://vid_01jd9x5t3vq7m0z8k2c4e6g8ha"])
    detail: Literal["auto", "low", "high"] = "auto"
    """Taken, and without effect: how many frames and pixels are looked at is planned."""


class VideoPart(_Body):
    """A video."""

    type: Literal["video_url"]
    video_url: MediaUrl


class ImagePart(_Body):
    """A picture."""

    type: Literal["image_url"]
    image_url: MediaUrl


Part = Annotated[TextPart | VideoPart | ImagePart, Field(discriminator="type")]


class Message(_Body):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[Part], Field(min_length=1, max_length=PARTS_MAX)]
    name: Annotated[str, StringConstraints(max_length=200)] | None = None


class StreamOptions(_Body):
    """What a stream holds besides the words."""

    include_usage: bool = False
    include_obfuscation: bool = False


class ResponseFormat(_Body):
    """Only plain text is written."""

    type: str = Field(max_length=100)
    json_schema: dict[str, Any] | None = None


class ChatRequest(_Body):
    """The body of ``POST /v1/chat/completions``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "nano",
                    "messages": [
                        {
                            "role": "user",
                            "content": [
                                {"type": "text", "text": "What is the person carrying?"},
                                {
                                    "type": "video_url",
                                    "video_url": {"url": "vidqa://vid_01jd9x5t3vq7m0z8k2c4e6g8ha"},
                                },
                            ],
                        }
                    ],
                }
            ]
        }
    )

    model: str = Field(min_length=1, max_length=200)
    messages: Annotated[list[Message], Field(min_length=1, max_length=MESSAGES_MAX)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=4_096)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=4_096)
    stop: (
        Annotated[str, StringConstraints(max_length=100)]
        | Annotated[list[Annotated[str, StringConstraints(max_length=100)]], Field(max_length=4)]
        | None
    ) = None
    n: int | None = None
    start: float | Annotated[str, StringConstraints(max_length=40)] | None = None
    """Of vidqa: the window asked about begins here, seconds or a timecode."""
    end: float | Annotated[str, StringConstraints(max_length=40)] | None = None

    # Taken, and without effect: a reply is the most probable one, whatever it is drawn with.
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = None
    user: Annotated[str, StringConstraints(max_length=500)] | None = None
    safety_identifier: Annotated[str, StringConstraints(max_length=500)] | None = None
    prompt_cache_key: Annotated[str, StringConstraints(max_length=500)] | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    service_tier: Annotated[str, StringConstraints(max_length=50)] | None = None
    parallel_tool_calls: bool | None = None

    # Refused where they ask for something.
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    modalities: list[str] | None = None


class ReplyMessage(BaseModel):
    """What was answered."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ReplyChoice(BaseModel):
    """The one answer."""

    index: int = 0
    message: ReplyMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class Usage(BaseModel):
    """What it cost, in tokens."""

    prompt_tokens: int
    """Tokens of frames, in all looks together; words are not counted."""
    completion_tokens: int
    total_tokens: int


class About(BaseModel):
    """Of vidqa: how the answer came about."""

    job_id: str
    outcome: str | None
    evidence: list[dict[str, Any]]
    """Stretches of the video that prove it, as in a result of ``ask``."""


class ChatReply(BaseModel):
    """A completion."""

    id: str = Field(examples=["chatcmpl-01jd9x5t3vq7m0z8k2c4e6g8ha"])
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ReplyChoice]
    usage: Usage
    vidqa: About


class ModelCard(BaseModel):
    """A model that may be named in a request."""

    id: str = Field(examples=["nano"])
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "vidqa"


class ModelList(BaseModel):
    """Every model that may be named."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class ChatFault(BaseModel):
    """What is wrong."""

    message: str
    type: str = Field(examples=["invalid_request_error"])
    param: str | None
    code: str | None = Field(examples=["model_not_found"])


class ChatRefused(BaseModel):
    """An error as OpenAI's clients read it."""

    error: ChatFault
