"""The one file of a ``multipart/form-data`` body, streamed; and the few short fields beside it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Literal

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from vidqa.errors import RequestError

FIELD_BYTES = 1_024
"""Most bytes of a field that is not the file."""
FILE = "file"
"""Name of the part that is the file."""
_Event = tuple[Literal["part", "data", "end"], bytes]


class Form:
    """A form that is being read: ``file()`` first, then ``fields`` has what stood beside it."""

    def __init__(self, content_type: str, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks
        self._parser = _Parts(_boundary(content_type))
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        """The client's name of the file: to be shown, and for nothing else."""

    async def file(self) -> AsyncIterator[bytes]:
        """The file's bytes; on the way, the fields before and behind it.

        Raises :class:`RequestError` ``multipart_invalid``: no form, no file or two, a field twice,
        one that is too long, or an end that never came.
        """
        name, files = "", 0
        async for kind, data in self._events():
            if kind == "part":
                name, self.filename, files = self._part(data, files)
            elif name == FILE:
                yield data
            else:
                self._extend(name, data)
        if not self._parser.ended:
            raise _invalid("it ends before its last boundary")
        if not files:
            raise _invalid(f"there is no part named {FILE!r}")

    async def _events(self) -> AsyncIterator[_Event]:
        async for chunk in self._chunks:
            for event in self._parser.read(chunk):
                yield event

    def _part(self, disposition: bytes, files: int) -> tuple[str, str | None, int]:
        name, filename = _names(disposition)
        if name == FILE:
            if files:
                raise _invalid(f"there are two parts named {FILE!r}")
            return name, filename, 1
        if name in self.fields:
            raise _invalid(f"there are two parts named {name[:50]!r}")
        self.fields[name] = ""
        return name, self.filename, files

    def _extend(self, name: str, data: bytes) -> None:
        text = self.fields[name] + data.decode("utf-8", "replace")
        if len(text) > FIELD_BYTES or len(self.fields) > 8:
            raise _invalid(f"the field {name[:50]!r} is longer than {FIELD_BYTES} bytes")
        self.fields[name] = text


class _Parts:
    """python-multipart's parser, whose callbacks become a list of events for each chunk."""

    def __init__(self, boundary: bytes) -> None:
        self._events: list[_Event] = []
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self.ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_ended,
                "on_headers_finished": lambda: self._events.append(("part", self._disposition)),
                "on_part_data": lambda data, start, end: self._events.append(
                    ("data", data[start:end])
                ),
                "on_end": self._end,
            },
        )

    def read(self, chunk: bytes) -> list[_Event]:
        try:
            self._parser.write(chunk)
        except FormParserError as err:
            raise _invalid(str(err)) from err
        events, self._events = self._events, []
        return events

    def _begin(self) -> None:
        self._disposition = b""

    def _header_ended(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _end(self) -> None:
        self.ended = True


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 1 <= len(boundary) <= 70:  # RFC 2046
        raise _invalid("its Content-Type names no boundary of 1 to 70 bytes")
    return boundary


def _names(disposition: bytes) -> tuple[str, str | None]:
    _, options = parse_options_header(disposition)
    filename = options.get(b"filename")
    name = options.get(b"name", b"").decode("utf-8", "replace")
    return name, None if filename is None else filename.decode("utf-8", "replace")


def _invalid(why: str) -> RequestError:
    return RequestError(
        f"this form cannot be read: {why}",
        code="multipart_invalid",
        next_step=f"Send multipart/form-data with one part {FILE!r}; or the file itself as the"
        " body, with Content-Type: video/mp4.",
        headers={"connection": "close"},
    )
