"""What a command shall make of its results, where it goes, and whether it can go there.

All that can be known beforehand is checked before any work is done; :mod:`vidqa.cli.writing` then
makes it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vidqa.errors import ExportError
from vidqa.export import EXPORT_FORMATS
from vidqa.video import SHEET_FORMATS

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
    reader: str = "pyav"
    """How videos are decoded for them."""

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
        """Make the folders files will lie in; raises :class:`ExportError` where that fails, or
        nothing may be written there."""
        if self.folder or self.clip:
            _make_folder(self.folder or Path())
        if self.sheet:
            _make_folder(self.sheet.parent)

    def _check_files(self, file: Path) -> None:
        for path in self._files(file):
            if path.is_dir():
                raise ExportError(
                    f"{path} is to be written, and is a folder",
                    code="output_is_folder",
                    next_step="Give another name, or another folder with -o.",
                )
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

    def clips(self, file: Path) -> Iterator[Path]:
        """The first clip; how many more there will be is not known yet, so all that are there."""
        first = self.clip_of(file, 1)
        yield first
        numbered = re.compile(re.escape(self._stem(file)) + r"-[0-9]+\.mp4")
        there = first.parent.iterdir() if first.parent.is_dir() else ()
        yield from sorted(path for path in there if numbered.fullmatch(path.name))

    def _files(self, file: Path) -> Iterator[Path]:
        for own in self.for_each():
            if self.folder:
                joint = self.questions > 1
                names = [name for name in self.formats if name not in JOINT_FORMATS or not joint]
                yield from (own.path_of(file, name) for name in names)
            if own.sheet_path:
                yield own.sheet_path
            if self.clip:
                yield from own.clips(file)
        if self.folder and self.questions > 1:
            yield from (self.path_of(file, name) for name in self.formats if name in JOINT_FORMATS)


def _make_folder(folder: Path) -> None:
    """A folder that files can be written into, known before any work is done for them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise ExportError(
            f"the folder {folder} cannot be made: {err.strerror}",
            code="output_unwritable",
            next_step="Choose a folder that you may write to.",
        ) from err
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ExportError(
            f"nothing may be written into the folder {folder}",
            code="output_unwritable",
            next_step="Choose a folder that you may write to.",
        )
