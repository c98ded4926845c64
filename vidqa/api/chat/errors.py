"""Errors in the envelope that OpenAI's clients read: ``{"error": {...}}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


@dataclass(slots=True)
class ChatError(Exception):
    """A chat completion that cannot be made; ``param`` names the field that is wrong."""

    message: str
    code: str
    param: str | None = None
    status: int = 400

    def __str__(self) -> str:
        return self.message


def envelope(
    message: str, *, status: int, code: str | None, param: str | None = None
) -> dict[str, Any]:
    """The body of an error reply."""
    kind = _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
