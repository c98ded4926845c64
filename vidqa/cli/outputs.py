"""A result to everything the command line can make of it: text, files, a sheet, clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from vidqa.cli.progress import Progress
from vidqa.cli.table import answer_lines, headline
from vidqa.errors import ExportError
from vidqa.export import EXPORT_FORMATS, export_result
from vidqa.results import GroundResult, Result
from vidqa.video import (
    choose_sheet_times,
    cut_clip,
    draw_sheet,
    open_reader,
    probe,
    sheet_frame_size,
)

SHEET_FRAMES = 12
FORMATS = ("txt", *EXPORT_FORMATS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What was asked for on the command line."""

    formats: tuple[str, ...]
    folder: Path | None
    sheet: Path | None
    clip: bool
    overwrite: bool

    def check(self, file: Path) -> None:
        """Raise :class:`ExportError` before any work is done for an output that cannot be made."""
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown:
            raise ExportError(
                f"there is no output format {unknown[0]!r}",
                code="format_unknown",
                next_step=f"Choose from {', '.join(FORMATS)}.",
            )
        for path in self._files(file):
            if path.exists() and not self.overwrite:
                raise ExportError(
                    f"{path} is already there",
                    code="output_exists",
                    next_step="Give -y to replace it, or another name.",
                )

    def path_of(self, file: Path, name: str) -> Path:
        """Where one format goes: the video's name with the format's ending."""
        return (self.folder or Path()) / f"{file.stem}.{name}"

    def _files(self, file: Path) -> Iterator[Path]:
        if self.folder:
            yield from (self.path_of(file, name) for name in self.formats)
        if self.sheet:
            yield self.sheet


def write_outputs(file: Path, result: Result, outputs: Outputs, report: Progress) -> None:
    """Print or write every format, then draw the sheet and cut the clips that were asked for."""
    for name in outputs.formats:
        text = _text_of(file, result, name)
        if outputs.folder:
            _write(outputs.path_of(file, name), text)
        else:
            typer.echo(text.rstrip("\n"))
    if outputs.sheet:
        report("sheet", 0, 1)
        _draw(file, result, outputs.sheet)
        report("sheet", 1, 1)
    if outputs.clip:
        _cut(file, result, outputs, report)


def _text_of(file: Path, result: Result, name: str) -> str:
    if name == "txt":
        return answer_lines(result) + "\n"
    if name == "edl":  # the one format that counts frames
        return export_result(result, name, frame_rate=probe(file).fps, clip_name=file.name)
    return export_result(result, name)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise ExportError(
            f"{path} cannot be written: {err.strerror}",
            code="output_unwritable",
            next_step="Choose a folder that you may write to with -o.",
        ) from err
    typer.echo(f"vidqa: wrote {path}", err=True)


def _draw(file: Path, result: Result, out: Path) -> None:
    source = open_reader(file)
    info = source.info
    spans = [segment.span for segment in result.segments]
    end_s = result.provenance.coverage.span.end_s
    times = [t for t in choose_sheet_times(info.duration_s, spans, SHEET_FRAMES) if t < end_s]
    frames = source.read_frames(times, sheet_frame_size(info.width, info.height, len(times)))
    draw_sheet(
        frames,
        duration_s=info.duration_s,
        spans=spans,
        title=result.asked,
        answer=None if isinstance(result, GroundResult) and spans else headline(result),
        out=out,
    )
    typer.echo(f"vidqa: wrote {out}", err=True)


def _cut(file: Path, result: Result, outputs: Outputs, report: Progress) -> None:
    folder = outputs.folder or Path()
    folder.mkdir(parents=True, exist_ok=True)
    segments = result.segments
    for k, segment in enumerate(segments, start=1):
        report("clip", k - 1, len(segments))
        out = folder / f"{file.stem}-{k}.mp4"
        cut_clip(file, segment.span, out, overwrite=outputs.overwrite)
        typer.echo(f"vidqa: wrote {out}", err=True)
        report("clip", k, len(segments))
