"""Where a clip goes: checked before any work, written under another name, renamed when whole."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from vidqa.errors import ExportError

KINDS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""File endings a clip may have, and ffmpeg's name for the container of each."""


def checked_output(source: Path, out: Path, *, overwrite: bool) -> str:
    """The container's name for ``out``; raises :class:`ExportError` where it may not be written."""
    kind = KINDS.get(out.suffix.lower())
    if kind is None:
        raise ExportError(
            f"{out}: {out.suffix or 'no suffix'!r} is no container of a clip",
            code="clip_format_unknown",
            next_step=f"Name it with one of {', '.join(KINDS)}.",
        )
    if not out.parent.is_dir():
        raise ExportError(
            f"{out.parent} is no folder",
            code="clip_folder_missing",
            next_step="Make the folder first, or choose another one.",
        )
    if out.is_dir():
        raise ExportError(
            f"{out} is a folder",
            code="clip_is_folder",
            next_step="Give the clip another name.",
        )
    if out.exists():
        _check_replaceable(source, out, overwrite=overwrite)
    return kind


def _check_replaceable(source: Path, out: Path, *, overwrite: bool) -> None:
    if source.exists() and out.samefile(source):
        raise ExportError(
            f"{out} is the video itself",
            code="clip_is_source",
            next_step="Give the clip another name; the original is never replaced.",
        )
    if not overwrite:
        raise ExportError(
            f"{out} is already there",
            code="clip_exists",
            next_step="Allow overwriting, or give another name.",
        )


class Part:
    """A file under a temporary name beside ``out``; it becomes ``out`` only by :meth:`keep`."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.path = out.with_name(f".{out.stem}.part{out.suffix}")

    def __enter__(self) -> Part:
        try:
            self.path.touch()  # a confined ffmpeg can write a file but make none
        except OSError as err:
            raise ExportError(
                f"{self.path.parent}: cannot be written to ({err.strerror})",
                code="output_unwritable",
                next_step="Choose a folder that you may write to.",
            ) from err
        return self

    def keep(self) -> None:
        """Give the finished file its name, replacing what is there in one step."""
        self.path.replace(self._out)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.path.unlink(missing_ok=True)
