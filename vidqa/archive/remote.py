"""Videos at URLs: listed through fsspec, fetched whole into a temporary file, below a limit.

Nothing is opened unless its URL lies below a prefix that the caller allows: an archive that fetched
what it was told would reach into the network it runs in. Redirects are not followed. This is for
the user at the keyboard: addresses are not checked, as :mod:`vidqa.fetching` does for services.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from vidqa.archive.records import Location
from vidqa.errors import ArchiveError, VideoError

FETCH_BYTES = 20 * 10**9
"""Largest remote file that is fetched, in bytes."""
_CHUNK = 1 << 20
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB = frozenset({"http", "https"})
_LOCAL = frozenset({"file", "local"})


def is_url(text: str) -> bool:
    """Whether it is a URL, not a path on this machine."""
    return _URL.match(text) is not None


class Fetched(NamedTuple):
    """A remote file, here for a while."""

    path: Path
    sha256: str
    """Lower-case hexadecimal digest of its bytes, formed while they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """What may be fetched; by default nothing."""

    allowed: Sequence[str] = ()
    """Prefixes of URLs: ``https://videos.example.org/``, ``s3://bucket/cameras/``."""
    largest: int = FETCH_BYTES

    def check(self, url: str) -> None:
        """Raise :class:`ArchiveError` ``url_refused`` unless a prefix allows this URL."""
        if not any(_below(url, prefix) for prefix in self.allowed):
            raise ArchiveError(
                f"{url}: nothing is fetched from there",
                code="url_refused",
                next_step="Allow it by name: --allow-url PREFIX, where the URL begins with PREFIX.",
            )

    def locations(self, url: str) -> Iterator[Location]:
        """The file at a URL, the files below it, or those that match a pattern, in order of name.

        Raises :class:`ArchiveError` ``url_refused``, ``url_unreachable``, or ``nothing_there``.
        """
        self.check(url)
        with _told(url):
            system, path = _open_system(url)
            if any(sign in path for sign in "*[") or (
                urlsplit(url).scheme not in _WEB and "?" in path
            ):
                found = sorted(system.glob(path))
            elif urlsplit(url).scheme not in _WEB and system.isdir(path):
                found = sorted(system.find(path))
            else:
                found = [path]
            infos = [(each, system.info(each)) for each in found]
        if not infos:
            raise ArchiveError(
                f"{url}: nothing there",
                code="nothing_there",
                next_step="Check the spelling of the URL or pattern.",
            )
        for each, info in infos:
            if info.get("type", "file") == "file":
                name = _spelled(str(system.unstrip_protocol(each)))
                self.check(name)
                yield Location(
                    url=name, size=int(info.get("size") or 0), modified_ns=_changed(info)
                )

    @contextmanager
    def fetched(self, location: Location) -> Iterator[Fetched]:
        """The file in a temporary place, removed at the end of the ``with`` block.

        Raises :class:`VideoError` ``file_too_large`` once it is larger than allowed, and
        :class:`ArchiveError` when it cannot be had.
        """
        self.check(location.url)
        ending = os.path.splitext(urlsplit(location.url).path)[1]  # noqa: PTH122
        handle, name = tempfile.mkstemp(prefix="vidqa-", suffix=ending[:8])
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                digest = self._copy(location.url, file)
            yield Fetched(path, digest)
        finally:
            path.unlink(missing_ok=True)

    def _copy(self, url: str, file: Any) -> str:
        digest, size = hashlib.sha256(), 0
        with _told(url):
            system, path = _open_system(url)
            with system.open(path, "rb") as source:
                while chunk := source.read(_CHUNK):
                    size += len(chunk)
                    if size > self.largest:
                        raise VideoError(
                            f"{url}: larger than {self.largest / 1e9:g} GB",
                            code="file_too_large",
                            next_step="Fetch it yourself, or raise the limit on fetched files.",
                        )
                    digest.update(chunk)
                    file.write(chunk)
        return digest.hexdigest()


def _below(url: str, prefix: str) -> bool:
    """Whether ``url`` lies below ``prefix``: same scheme, same host to the letter, path below."""
    asked, allowed = urlsplit(url), urlsplit(prefix)
    if "::" in url or asked.scheme in _LOCAL or asked.scheme != allowed.scheme:
        return False  # chained file systems would open what no prefix names
    if asked.netloc != allowed.netloc or ".." in asked.path.split("/"):
        return False
    root = allowed.path.rstrip("/")
    return asked.path == root or asked.path.startswith(root + "/")


def _spelled(url: str) -> str:
    """One spelling of a URL whose host is a bucket, whatever slashes its file system leads with."""
    scheme, rest = url.split("://", 1)
    return url if scheme in _WEB else f"{scheme}://{rest.lstrip('/')}"


def _open_system(url: str) -> tuple[Any, str]:
    import fsspec  # type: ignore[import-untyped]  # late: half a second

    options = {"allow_redirects": False} if urlsplit(url).scheme in _WEB else {}
    system, path = fsspec.core.url_to_fs(url, **options)
    return system, path


def _changed(info: Mapping[str, Any]) -> int:
    """A number that changes with the file: its time of change in ns, else made of its ETag."""
    for key in ("mtime", "LastModified", "last_modified", "created"):
        value = info.get(key)
        if isinstance(value, datetime):
            return round(value.timestamp() * 1e9)
        if isinstance(value, (int, float)) and value > 0:
            return round(value * 1e9)
    tag = info.get("ETag") or info.get("etag") or info.get("Last-Modified")
    if not tag:
        return 0
    return int.from_bytes(hashlib.sha256(str(tag).encode()).digest()[:7], "big")


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What file systems raise as our own error."""
    try:
        yield
    except ImportError as err:
        raise ArchiveError(
            f"{url}: no library for such URLs is installed ({err})",
            code="url_unsupported",
            next_step="Install it: pip install 'vidqa[urls]' for http, s3fs for s3, gcsfs for gs.",
        ) from err
    except FileNotFoundError as err:
        raise ArchiveError(
            f"{url}: no such file", code="nothing_there", next_step="Check the spelling of the URL."
        ) from err
    except (OSError, ValueError, TimeoutError) as err:
        raise ArchiveError(
            f"{url}: cannot be read ({err or type(err).__name__})",
            code="url_unreachable",
            next_step="Check the URL, its host and your rights to it.",
        ) from err
