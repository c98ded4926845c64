"""A video's bytes for a player: whole, or the one stretch that it asks for."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from vidqa.errors import RequestError

_RANGE = re.compile(r"bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{0,18})|-\s*(\d{1,18}))\s*", re.ASCII)


class Content(FileResponse):
    """A file that never changes under its ``etag``; ``Range`` as RFC 9110 has it.

    A range that cannot be read, or several at once, are answered with the whole file.
    """

    def __init__(self, path: Path, *, media_type: str, etag: str, name: str) -> None:
        super().__init__(
            path,
            media_type=media_type,
            stat_result=path.stat(),
            filename=name,
            content_disposition_type="inline",
            headers={"etag": f'"{etag}"', "cache-control": "private, max-age=3600"},
        )
        self._etag = f'"{etag}"'
        self._bytes = path.stat().st_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise :class:`RequestError` ``range_impossible`` for one behind the file's end."""
        headers = Headers(scope=scope)
        if self._etag in headers.get("if-none-match", "") or headers.get("if-none-match") == "*":
            unchanged = {"etag": self._etag, "cache-control": self.headers["cache-control"]}
            await Response(status_code=304, headers=unchanged)(scope, receive, send)
            return
        asked = headers.get("range")
        if asked is not None and not is_served(asked, self._bytes):
            kept = [(name, value) for name, value in scope["headers"] if name != b"range"]
            scope = {**scope, "headers": kept}
        await super().__call__(scope, receive, send)


def is_served(header: str, size: int) -> bool:
    """Whether ``Range`` is one stretch within ``size`` bytes; False: it is to be passed over.

    Raises :class:`RequestError` ``range_impossible`` (416) for one that begins behind the end.
    """
    match = _RANGE.fullmatch(header.strip().lower())
    if match is None:
        return False
    first, last, suffix = match.groups()
    if suffix is not None and int(suffix) and size:
        return True
    if first is not None and last and int(last) < int(first):
        return False
    if first is not None and int(first) < size:
        return True
    raise RequestError(
        f"the range {header[:100]!r} lies behind the end, at {size:,} bytes",
        code="range_impossible",
        next_step="Ask for bytes before that, as Range: bytes=0-1023.",
        headers={"content-range": f"bytes */{size}"},
    )
