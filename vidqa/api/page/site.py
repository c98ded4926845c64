"""The files of the page as they lie in the package, each with its type and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent / "static"
INDEX = "index.html"
VERSION_MARK = b"/page/VERSION/"
"""How the index writes the folder of its files; the digest of the site takes the place of the
word, so that a new version of any file has a new address and an old one can be kept for ever."""
TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent."""

    content: bytes
    media_type: str
    etag: str
    """A strong entity tag, quotes included."""


@dataclass(frozen=True, slots=True)
class Site:
    """All files of the page by their path below ``static``, the index filled in."""

    version: str
    """Sixteen hexadecimal digits of the digest of all names and contents."""
    index: File
    files: Mapping[str, File]


def read_site(root: Path = ROOT) -> Site:
    """Reads the page into memory (some 100 kB); a file of an unknown type is a ``KeyError``."""
    contents = dict(_contents(root))
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    version = digest.hexdigest()[:16]
    index = contents.pop(INDEX).replace(VERSION_MARK, f"/page/{version}/".encode())
    files = {name: _file(name, content) for name, content in contents.items()}
    return Site(version=version, index=_file(INDEX, index), files=files)


def _contents(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _file(name: str, content: bytes) -> File:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return File(content=content, media_type=TYPES[Path(name).suffix], etag=etag)
