"""A stored result as a file that a browser saves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from vidqa.export import export_result
from vidqa.export.hits import export_found
from vidqa.export.reading import is_about_archive, read_found, read_result

MEDIA_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "jsonl": "application/jsonl",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "csv": "text/csv",
    "edl": "text/plain",
    "chapters": "text/plain",
}
_ENDINGS: Mapping[str, str] = {"chapters": "chapters.txt"}


def export(job_id: str, result: Mapping[str, Any], name: str, frame_rate: float) -> Response:
    """The result of a job in one of :data:`vidqa.export.EXPORT_FORMATS`; raises
    :class:`ExportError` for a result that the format cannot hold."""
    saved_as = f"{job_id}.{_ENDINGS.get(name, name)}"
    return Response(
        _text(result, name, frame_rate),
        media_type=f"{MEDIA_TYPES[name]}",
        headers={"Content-Disposition": f'attachment; filename="{saved_as}"'},
    )


def _text(result: Mapping[str, Any], name: str, frame_rate: float) -> str:
    if name in ("json", "jsonl"):  # as it was stored: nothing is lost by reading it back
        indent = 2 if name == "json" else None
        return json.dumps(result, ensure_ascii=False, allow_nan=False, indent=indent) + "\n"
    if is_about_archive(result):
        return export_found(read_found(result), name, frame_rate=frame_rate)
    return export_result(read_result(result), name, frame_rate=frame_rate)
