"""A result to everything the command line can make of it: text, files, a sheet, clips."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vidqa.cli.progress import Report
from vidqa.cli.streams import show
from vidqa.cli.table import answer_lines, below_headline, headline
from vidqa.errors import ExportError
from vidqa.export import EXPORT_FORMATS, export_result, export_results
from vidqa.results import AskResult, GroundResult, Mark, Result
from vidqa.video import (
    SHEET_FORMATS,
    choose_sheet_times,
    cut_clip,
    draw_sheet,
    draw_still_sheet,
    open_reader,
    probe,
    read_still,
    sheet_frame_size,
)

SHEET_FRAMES = 12
FORMATS = ("txt", *EXPORT_FORMATS)
TIMED_FORMATS = ("srt", "vtt", "edl", "chapters")
"""Made of nothing but times."""
JOINT_FORMATS = ("txt", "json", "jsonl")
"""Those in which the answers to several questions lie together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What was asked for on the command line."""

    formats: tuple[str, ...]
    folder: Path | None
    sheet: Path | None
    clip: bool
    overwrite: bool
    questions: int = 1
    """How many are asked."""
    number: int | None = None
    """Of several questions the one whose files these are, counted from 1."""

    def for_each(self) -> list[Outputs]:
        """The outputs of every question; of several, each has names of its own."""
        if self.questions == 1:
            return [self]
        return [replace(self, questions=1, number=k) for k in range(1, self.questions + 1)]

    def check(self, file: Path) -> None:
        """Raise :class:`ExportError` before any work is done for an output that cannot be made."""
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown:
            raise ExportError(
                f"there is no output format {unknown[0]!r}",
                code="format_unknown",
                next_step=f"Choose from {', '.join(FORMATS)}.",
            )
        apart = [name for name in self.formats if name not in JOINT_FORMATS]
        if self.questions > 1 and apart and not self.folder:
            raise ExportError(
                f"{apart[0]} holds the answer to one question, and {self.questions} were asked",
                code="format_of_one",
                next_step=f"Give a folder with -o for a file each, or {', '.join(JOINT_FORMATS)}.",
            )
        if self.sheet and self.sheet.suffix.lower() not in SHEET_FORMATS:
            raise ExportError(
                f"{self.sheet}: a contact sheet cannot be a {self.sheet.suffix or 'file'!r}",
                code="sheet_format_unknown",
                next_step=f"Name it with one of {', '.join(SHEET_FORMATS)}.",
            )
        if self.clip and shutil.which("ffmpeg") is None:
            raise ExportError(
                "--clip needs the ffmpeg program, which is not on the path",
                code="ffmpeg_missing",
                next_step="Install it: apt install ffmpeg, or brew install ffmpeg.",
            )
        self._check_files(file)

    @property
    def words_only(self) -> bool:
        """Whether stdout gets words for people and nothing else."""
        return self.formats == ("txt",) and self.folder is None

    @property
    def timed(self) -> tuple[str, ...]:
        """What was asked for that an image, which has no time, cannot give."""
        clip = ("--clip",) if self.clip else ()
        return (*(name for name in self.formats if name in TIMED_FORMATS), *clip)

    def make_folders(self) -> None:
        """Make the folders files will lie in; raises :class:`ExportError` where that fails."""
        if self.folder:
            _make_folder(self.folder)
        if self.sheet:
            _make_folder(self.sheet.parent)

    def _check_files(self, file: Path) -> None:
        for path in self._files(file):
            if path.exists() and not self.overwrite:
                raise ExportError(
                    f"{path} is already there",
                    code="output_exists",
                    next_step="Give -y to replace it, or another name.",
                )

    def path_of(self, file: Path, name: str) -> Path:
        """Where one format goes: the video's name with the format's ending."""
        return (self.folder or Path()) / f"{self._stem(file)}.{name}"

    @property
    def sheet_path(self) -> Path | None:
        """Where the sheet goes."""
        if self.sheet is None or self.number is None:
            return self.sheet
        return self.sheet.with_stem(f"{self.sheet.stem}-{self.number}")

    def _stem(self, file: Path) -> str:
        return file.stem if self.number is None else f"{file.stem}-{self.number}"

    def clip_of(self, file: Path, number: int) -> Path:
        """Where one clip goes, counted from 1."""
        return (self.folder or Path()) / f"{self._stem(file)}-{number}.mp4"

    def _files(self, file: Path) -> Iterator[Path]:
        for own in self.for_each():
            if self.folder:
                joint = self.questions > 1
                names = [name for name in self.formats if name not in JOINT_FORMATS or not joint]
                yield from (own.path_of(file, name) for name in names)
            if own.sheet_path:
                yield own.sheet_path
            if self.clip:  # how many there will be is not known yet
                yield own.clip_of(file, 1)
        if self.folder and self.questions > 1:
            yield from (self.path_of(file, name) for name in self.formats if name in JOINT_FORMATS)


def write_texts(
    file: Path,
    results: Sequence[Result],
    outputs: Outputs,
    report: Report,
    *,
    spoken: bool = False,
) -> None:
    """Print every format, or write each to its file; of an answer already ``spoken``, the rest."""
    if spoken:
        show(below_headline(results[0]))
        return
    for name in outputs.formats:
        if outputs.questions == 1 or name in JOINT_FORMATS:
            _put(file, name, _text_of(file, results, name), outputs, report)
            continue
        for result, own in zip(results, outputs.for_each(), strict=True):
            _put(file, name, _text_of(file, [result], name), own, report)


def write_pictures(file: Path, results: Sequence[Result], outputs: Outputs, report: Report) -> None:
    """Draw the sheets and cut the clips that were asked for."""
    for result, own in zip(results, outputs.for_each(), strict=True):
        if own.sheet_path:
            report.step("sheet", 0, 1)
            _draw(file, result, own.sheet_path)
            report.step("sheet", 1, 1)
            report.say(f"wrote {own.sheet_path}")
        if own.clip:
            _cut(file, result, own, report)


def _put(file: Path, name: str, text: str, outputs: Outputs, report: Report) -> None:
    if outputs.folder is None:
        show(text.rstrip("\n"))
        return
    path = outputs.path_of(file, name)
    _write(path, text)
    report.say(f"wrote {path}")


def _text_of(file: Path, results: Sequence[Result], name: str) -> str:
    if name == "txt":
        return "\n\n".join(answer_lines(result) for result in results) + "\n"
    if name == "edl":  # the one format that counts frames
        return export_result(results[0], name, frame_rate=probe(file).fps, clip_name=file.name)
    return export_results(results, name) if len(results) > 1 else export_result(results[0], name)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise ExportError(
            f"the folder {folder} cannot be made: {err.strerror}",
            code="output_unwritable",
            next_step="Choose a folder that you may write to.",
        ) from err


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise ExportError(
            f"{path} cannot be written: {err.strerror}",
            code="output_unwritable",
            next_step="Choose a folder that you may write to with -o.",
        ) from err


def _draw(file: Path, result: Result, out: Path) -> None:
    marks = result.marks if isinstance(result, AskResult) else ()
    if result.provenance.video.kind == "image":
        rgb_HWC, title = read_still(file).rgb_HWC, result.asked
        draw_still_sheet(rgb_HWC, title=title, answer=headline(result), out=out, marks=marks)
        return
    source = open_reader(file)
    info = source.info
    spans = [segment.span for segment in result.segments]
    times = _sheet_times(result, marks, info.duration_s)
    frames = source.read_frames(times, sheet_frame_size(info.width, info.height, len(times)))
    draw_sheet(
        frames,
        duration_s=info.duration_s,
        spans=spans,
        title=result.asked,
        answer=None if isinstance(result, GroundResult) and spans else headline(result),
        out=out,
        marks=marks,
        source=(info.width, info.height),
    )


def _sheet_times(result: Result, marks: Sequence[Mark], duration_s: float) -> list[float]:
    """The frames that bear marks first; others that tell of the spans fill what room is left."""
    marked = list(dict.fromkeys(mark.pts_s for mark in marks if mark.pts_s is not None))
    marked = marked[:SHEET_FRAMES]
    room = SHEET_FRAMES - len(marked)
    spans = [segment.span for segment in result.segments]
    end_s = result.provenance.coverage.span.end_s
    others = choose_sheet_times(duration_s, spans, room) if room else []
    return [*marked, *(t for t in others if t < end_s)]


def _cut(file: Path, result: Result, outputs: Outputs, report: Report) -> None:
    segments = result.segments
    for k, segment in enumerate(segments, start=1):
        report.step("clip", k - 1, len(segments))
        out = outputs.clip_of(file, k)
        cut_clip(file, segment.span, out, overwrite=outputs.overwrite)
        report.say(f"wrote {out}")
        report.step("clip", k, len(segments))
