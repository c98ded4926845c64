"""Paths, patterns and URLs in; places where videos may lie out. Only names and sizes are read here.

A folder is walked with everything below it, in order of name. What is hidden (its name begins with
a dot) is passed over, and counted; links are followed, each folder and each linked file once.
Remote places are opened only below prefixes that the caller allows (:class:`Remote`).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vidqa.archive.records import Location
from vidqa.archive.remote import Remote, is_url
from vidqa.errors import ArchiveError

VIDEO_SUFFIXES = frozenset(
    {".3g2", ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"}
    | {".mts", ".ts", ".vob", ".webm"}
)
"""Endings by which a person expects a video: one that holds none is worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file that may be a video."""

    location: Location
    named: bool
    """Whether the caller named this very file, and wants to know if it is no video."""

    @property
    def expected(self) -> bool:
        """Whether somebody takes it for a video."""
        ending = os.path.splitext(self.location.url)[1].lower()  # noqa: PTH122  (may be a URL)
        return self.named or ending in VIDEO_SUFFIXES


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A file or folder that could not even be looked at."""

    url: str
    reason: str


@dataclass(slots=True)
class Discovery:
    """What was found on the way, beside places."""

    remote: Remote = field(default_factory=Remote)
    hidden: int = 0
    """Files and folders passed over because their names begin with a dot."""
    roots: list[str] = field(default_factory=list)
    """Folders that were walked, as absolute paths."""
    _folders: set[tuple[int, int]] = field(default_factory=set)
    _files: set[str] = field(default_factory=set)

    def places(self, targets: Iterable[str | os.PathLike[str]]) -> Iterator[Place | Unreachable]:
        """Every file that the targets name, each once: files, folders, patterns (``**`` crosses
        folders), URLs of files, of folders and patterns.

        Raises :class:`ArchiveError` for a target that names nothing or may not be opened.
        """
        for target in targets:
            text = os.fspath(target)
            if is_url(text):
                for location in self.remote.locations(text):
                    yield from self._once(location, named=False)
                continue
            for path, named in self._local(text):
                yield from self._visit(path, named=named)

    def _local(self, text: str) -> Iterator[tuple[str, bool]]:
        """Paths of a target that is no URL; whether it is one by itself."""
        if os.path.lexists(text):
            yield text, True
            return
        found = sorted(glob.iglob(text, recursive=True)) if glob.has_magic(text) else []  # noqa: PTH207
        if not found:
            raise ArchiveError(
                f"{text}: " + ("no such file matches" if glob.has_magic(text) else "no such file"),
                code="nothing_there",
                next_step="Check the spelling; give files, folders, patterns or URLs.",
            )
        for path in found:
            yield path, False

    def _visit(self, path: str, *, named: bool) -> Iterator[Place | Unreachable]:
        path = os.path.abspath(path)  # noqa: PTH100  (not resolved: names stay as people know them)
        if os.path.isdir(path):  # noqa: PTH112
            self.roots.append(path)
            yield from self._walk(path)
        else:
            yield from self._file(path, named=named)

    def _walk(self, folder: str) -> Iterator[Place | Unreachable]:
        waiting = [folder]
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)  # noqa: PTH116
                if (status.st_dev, status.st_ino) in self._folders:
                    continue  # a link that leads back, or in a circle
                self._folders.add((status.st_dev, status.st_ino))
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as err:
                yield Unreachable(folder, err.strerror or str(err))
                continue
            shown = [entry for entry in entries if not entry.name.startswith(".")]
            self.hidden += len(entries) - len(shown)
            below = [entry.path for entry in shown if _is_folder(entry)]
            for entry in shown:
                if not _is_folder(entry):
                    yield from self._file(entry.path, named=False)
            waiting.extend(reversed(below))

    def _file(self, path: str, *, named: bool) -> Iterator[Place | Unreachable]:
        if os.path.islink(path):  # noqa: PTH114
            target = os.path.realpath(path)
            if target in self._files:
                return
            self._files.add(target)
        try:
            status = os.stat(path)  # noqa: PTH116
            path.encode()  # what the database cannot spell, nobody could find again
        except OSError as err:
            yield Unreachable(path, err.strerror or str(err))
            return
        except UnicodeEncodeError:
            yield Unreachable(_spelled(path), "its name is not Unicode; rename it")
            return
        location = Location(url=path, size=status.st_size, modified_ns=status.st_mtime_ns)
        yield from self._once(location, named=named)

    def _once(self, location: Location, *, named: bool) -> Iterator[Place]:
        if location.url not in self._files:
            self._files.add(location.url)
            yield Place(location=location, named=named)


def lies_below(url: str, roots: Iterable[str]) -> bool:
    """Whether a local path lies in one of the folders, or is one of them."""
    return any(url == root or url.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def exists(location: Location) -> bool:
    """Whether a local file is there now; remote ones are taken to be."""
    return is_url(location.url) or Path(location.url).exists()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle: looked at, and told, as a file
        return False


def _spelled(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
