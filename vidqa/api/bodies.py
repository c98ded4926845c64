"""How large a body may be before a route reads it: small everywhere, but where files are taken."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vidqa.errors import RequestError

BODY_BYTES = 1_048_576
"""Most bytes of a request that is JSON."""


class Bodies:
    """Counts a body as it comes.

    ``larger`` has other limits by path, or by start of path where that ends in ``/``; None: the
    route counts for itself.
    """

    def __init__(self, app: ASGIApp, *, larger: Mapping[str, int | None]) -> None:
        self.app = app
        self._larger = dict(larger)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise :class:`RequestError` ``body_too_large`` at the first byte that is too many."""
        limit = self._limit(scope["path"]) if scope["type"] == "http" else None
        if limit is None:
            await self.app(scope, receive, send)
            return
        if int_or_0(Headers(scope=scope).get("content-length")) > limit:
            raise too_large(limit)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise too_large(limit)
            return message

        await self.app(scope, counted, send)

    def _limit(self, path: str) -> int | None:
        for start, limit in self._larger.items():
            if path == start or (start.endswith("/") and path.startswith(start)):
                return limit
        return BODY_BYTES


def int_or_0(text: str | None) -> int:
    """A header's whole number; a client that writes nonsense there is measured as it sends."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0


def too_large(limit: int) -> RequestError:
    """A body of more than ``limit`` bytes."""
    return RequestError(
        f"the body is larger than {limit:,} bytes",
        code="body_too_large",
        next_step="Send less; a video goes to POST /v1/videos or /v1/uploads.",
        headers={"connection": "close"},  # what is still to come is not read
    )
