"""A result in, the text of a file out: JSON, subtitles, a table, an edit list, chapters.

The words of a query or an answer are data: each format escapes them by its own rules, and where a
format has no escape the character that would act is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vidqa.errors import ExportError
from vidqa.export.cues import Cue, cues_of
from vidqa.export.edl import FRAME_RATE, to_edl
from vidqa.export.subtitles import to_chapters, to_srt, to_vtt
from vidqa.export.tables import to_csv, to_json, to_json_list, to_jsonl
from vidqa.results import Result

__all__ = ["EXPORT_FORMATS", "Cue", "cues_of", "export_result", "export_results"]

EXPORT_FORMATS = ("json", "jsonl", "srt", "vtt", "csv", "edl", "chapters")
"""Names of the formats, which are the endings of their files too."""


def export_result(
    result: Result, name: str, *, frame_rate: float = FRAME_RATE, clip_name: str = ""
) -> str:
    """``result`` as the text of a file in the format ``name``; it ends in a line break.

    ``frame_rate`` and ``clip_name`` matter to ``edl`` only: edit lists count frames, and name
    their source. Raises :class:`ExportError` for an unknown format, or for a result that an edit
    list cannot hold.
    """
    if name == "edl":
        return _encodable(to_edl(result, frame_rate=frame_rate, clip_name=clip_name))
    if name not in _WRITERS:
        raise ExportError(
            f"there is no output format {name!r}",
            code="format_unknown",
            next_step=f"Choose from {', '.join(EXPORT_FORMATS)}.",
        )
    return _encodable(_WRITERS[name](result))


def export_results(results: Sequence[Result], name: str) -> str:
    """Results to several questions as one text, in order: a ``json`` list, or ``jsonl`` lines.

    Raises :class:`ExportError` for any other format: those hold one question's answer.
    """
    if name == "json":
        return _encodable(to_json_list(results))
    if name == "jsonl":
        return _encodable("".join(to_jsonl(result) for result in results))
    raise ExportError(
        f"{name!r} holds the answer to one question",
        code="format_of_one",
        next_step="Choose json or jsonl, or export one result at a time.",
    )


_WRITERS: dict[str, Callable[[Result], str]] = {
    "json": to_json,
    "jsonl": to_jsonl,
    "csv": to_csv,
    "srt": to_srt,
    "vtt": to_vtt,
    "chapters": to_chapters,
}


def _encodable(text: str) -> str:
    """Half characters (a command line may hand them over) become ``?``, for UTF-8 has none."""
    return text.encode("utf-8", "replace").decode("utf-8")
