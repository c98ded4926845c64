"""What a job may be asked: plain JSON in, frozen requests out; the same for API, CLI and workers.

A name that is not known is an error, and so is a text that is too long: what is accepted here can
be run. Times are seconds, or a timecode as text (``1:02:03.5``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from vidqa.errors import JobError, TimeError
from vidqa.service.ids import is_id
from vidqa.service.records import JobKind, JsonDict, Queue
from vidqa.timeline import parse_time

QUERY_MAX = 2_000
"""Characters of a query or a question."""
_PLACE_MAX = 4_096
_MANY_VIDEOS = 1_000


def _printable(text: str) -> str:
    if any((char < " " and char not in "\n\t") or "\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("it holds characters that are no text")
    return text


def _video_id(text: str) -> str:
    if not is_id("vid", text):
        raise ValueError("it is no id of a video (vid_ and 26 characters)")
    return text


def _seconds(value: Any) -> Any:
    """A timecode as seconds; whatever else it is, pydantic judges."""
    if not isinstance(value, str):
        return value
    try:
        return parse_time(value)
    except TimeError as err:
        raise ValueError(str(err)) from err


Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=QUERY_MAX, strip_whitespace=True),
    AfterValidator(_printable),
]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_printable),
]
Place = Annotated[
    str, StringConstraints(min_length=1, max_length=_PLACE_MAX), AfterValidator(_printable)
]
VideoId = Annotated[
    str,
    AfterValidator(_video_id),
    WithJsonSchema({"type": "string", "pattern": "^vid_[0-7][0-9a-hjkmnp-tv-z]{25}$"}),
]
ArchiveId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Name of a collection of indexed videos; "/" parts a tenant from it (:mod:`.scoping`)."""
Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(ge=0, le=10**7, allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 10**7},
                {"type": "string", "pattern": r"^(\d{1,4}:)?[0-5]?\d:[0-5]?\d(\.\d{1,6})?$"},
            ],
            "description": "Seconds, or a timecode.",
        }
    ),
]


class Strict(BaseModel):
    """A part of a request: every name is known, and of the type it says."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class VideoRef(Strict):
    """A video: exactly one of the library's id, a URL, and a path on the service's machine."""

    video_id: VideoId | None = None
    url: Place | None = None
    path: Place | None = None

    @model_validator(mode="after")
    def _one(self) -> VideoRef:
        if sum(each is not None for each in (self.video_id, self.url, self.path)) != 1:
            raise ValueError("give exactly one of video_id, url and path")
        return self

    @property
    def place(self) -> str | None:
        """The URL or the path; None for a video of the library."""
        return self.url if self.path is None else self.path


class Request(Strict):
    """What every kind of job has."""

    kind: ClassVar[JobKind]
    queue: ClassVar[Queue] = "gpu"

    @property
    def refs(self) -> tuple[VideoRef, ...]:
        """The videos it is about."""
        return ()

    def to_dict(self) -> JsonDict:
        """Plain JSON values, without what was not given; reads back as the same request."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


class _OfVideo(Request):
    video: VideoRef
    start: Seconds | None = None
    """The window asked about is ``[start, end)``."""
    end: Seconds | None = None

    @model_validator(mode="after")
    def _in_order(self) -> _OfVideo:
        _check_window(self.start, self.end)
        return self

    @property
    def refs(self) -> tuple[VideoRef, ...]:
        """The one video."""
        return (self.video,)


class GroundRequest(_OfVideo):
    """When something happens in a video."""

    kind = "ground"
    query: Words
    max_segments: int | None = Field(default=None, ge=1, le=1_000)
    min_score: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    precision_s: float | None = Field(default=None, gt=0, le=3_600, allow_inf_nan=False)
    thorough: bool = False
    passes: int | None = Field(default=None, ge=1, le=10_000)
    deadline_s: float | None = Field(default=None, gt=0, le=86_400, allow_inf_nan=False)
    strict: bool = False


class AskRequest(Request):
    """A question to one video, or to an archive."""

    kind = "ask"
    question: Words
    video: VideoRef | None = None
    archive_id: ArchiveId | None = None
    """Name of the collection of indexed videos that is asked."""
    start: Seconds | None = None
    end: Seconds | None = None
    system: Words | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=4_096)
    deadline_s: float | None = Field(default=None, gt=0, le=86_400, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_scope(self) -> AskRequest:
        if (self.video is None) == (self.archive_id is None):
            raise ValueError("give exactly one of video and archive_id")
        if self.video is None:
            for name in ("start", "end", "system", "max_tokens"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} is for a question to one video")
        _check_window(self.start, self.end)
        return self

    @property
    def refs(self) -> tuple[VideoRef, ...]:
        """The video, where one is asked."""
        return () if self.video is None else (self.video,)


class DescribeRequest(_OfVideo):
    """What happens in a video, as chapters."""

    kind = "describe"
    deadline_s: float | None = Field(default=None, gt=0, le=86_400, allow_inf_nan=False)


class IndexRequest(Request):
    """Videos into an archive."""

    kind = "index"
    queue = "cpu"
    videos: tuple[VideoRef, ...] = Field(min_length=1, max_length=_MANY_VIDEOS, strict=False)
    archive_id: ArchiveId = "default"
    tags: tuple[Name, ...] = Field(default=(), max_length=100, strict=False)

    @property
    def refs(self) -> tuple[VideoRef, ...]:
        """All of them."""
        return self.videos

    def to_dict(self) -> JsonDict:
        """Also says which archive, named or not."""
        return super().to_dict() | {"archive_id": self.archive_id}


REQUESTS: Mapping[str, type[Request]] = {
    each.kind: each for each in (GroundRequest, AskRequest, DescribeRequest, IndexRequest)
}


def request_form(kind: str) -> type[Request] | None:
    """The class of a kind's requests; None where there is no such kind."""
    from vidqa.service.archive_requests import ARCHIVE_REQUESTS  # which is made of what is here

    return {**REQUESTS, **ARCHIVE_REQUESTS}.get(kind)


def read_request(kind: str, body: Mapping[str, Any]) -> Request:
    """The request of this kind; raises :class:`JobError` that names the field and what is wrong."""
    form = request_form(kind)
    if form is None:
        raise JobError(
            f"there is no kind of job {kind!r}",
            code="kind_unknown",
            next_step=f"Choose one of {', '.join(REQUESTS)}.",
        )
    try:
        return form.model_validate(dict(body))
    except ValidationError as err:
        raise _refused(kind, form, err) from err


def content_key(request: Request, sha256: str | None) -> str:
    """Digest of what is asked and, where it is known, of the video's bytes: equal questions to
    equal videos have equal keys, whatever ids the videos have."""
    asked = request.to_dict()
    if sha256 is not None:
        asked["video"] = {"sha256": sha256}
    told = json.dumps([request.kind, asked], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


def _check_window(start: float | None, end: float | None) -> None:
    if start is not None and end is not None and start >= end:
        raise ValueError(f"start ({start:g} s) is not before end ({end:g} s)")


def _refused(kind: str, form: type[Request], err: ValidationError) -> JobError:
    first = err.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "the request"
    if first["type"] == "extra_forbidden":
        return JobError(
            f"{name}: a job of kind {kind} knows no such name",
            code="request_invalid",
            next_step=f"It has {', '.join(form.model_fields)}.",
        )
    why = first["msg"].removeprefix("Value error, ")
    return JobError(
        f"{name}: {why[:300]}",
        code="request_invalid",
        next_step="Correct it and send the job again.",
    )
