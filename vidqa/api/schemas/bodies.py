"""What a video of a request may look like: under ``video``, or in short beside the question."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from vidqa.service.requests import VideoRef

SHORT = ("video_id", "url", "path")


class NamesVideo(BaseModel):
    """``{"video_id": ...}`` is short for ``{"video": {"video_id": ...}}``; so are url and path."""

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, body: Any) -> Any:
        if not isinstance(body, dict) or "video" in body:
            return body  # with both, the short one is a name that is not known
        short = {name: body[name] for name in SHORT if name in body}
        rest = {name: value for name, value in body.items() if name not in SHORT}
        return {**rest, "video": short} if short else body

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core))
        parts = VideoRef.model_json_schema()["properties"]
        short = {name: _given(parts[name]) for name in SHORT}
        schema["properties"] = {**schema["properties"], **short}
        needed = [name for name in schema.get("required", []) if name != "video"]
        schema["required"] = needed
        ways = ["video", *SHORT] + (["archive_id"] if "archive_id" in schema["properties"] else [])
        schema["oneOf"] = [{"required": [name]} for name in ways]
        return schema


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a name that may be left out, what it is where it is there."""
    told = next(each for each in schema["anyOf"] if each.get("type") != "null")
    return {**told, "title": schema.get("title", "")}
