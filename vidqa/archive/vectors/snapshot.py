"""The one file of an index: FAISS's own bytes, then a page that says what they are.

``body | digests of its parts | {"magic": ..., "body_bytes": ..., "seq": ...} padded to a page``

The page comes last, so that the file is written in one go and FAISS reads it as it is; its own
digest is over the digests too. It is written under another name, forced to the disk, then given its
name: what lies there is whole, of one moment, whatever died meanwhile. FAISS loads flipped bits
without a word, so no part is handed to it before its digest was seen to be right (:mod:`.parts`).
Who writes holds ``owner.lock``; readers need no lock: they keep the file they opened, also where it
is replaced meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from vidqa.archive.vectors.kinds import Kind
from vidqa.archive.vectors.library import faiss
from vidqa.archive.vectors.parts import DamagedError, PartWriter, checked_parts
from vidqa.errors import ArchiveError

NAME, LOCK, UNFINISHED = "index.faiss", "owner.lock", ".tmp"
LAYOUT = 2
"""Goes up with every change to what the file holds or how vectors are put into it."""
_MAGIC = "vidqa index"
_PAGE = 4096
_DIGEST = 64
"""Characters of the page's own digest, at its end."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an index file says of itself."""

    source: str
    """Name of the source: archive, model, generation, mean."""
    dimension: int
    seq: int
    """Number of the last change that it has."""
    count: int
    kind: Kind
    probes: int
    trained_on: int


class UnusableError(ArchiveError):
    """A file that is missing, damaged or of something else; the index is built from its source."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An index file in a folder of its own, which is made when it is first written."""

    folder: Path
    source: str
    dimension: int

    def read(self) -> tuple[Facts, Any]:
        """The facts and the FAISS index. Raises :class:`UnusableError` unless every byte is as it
        was written, for this source."""
        with self._opened() as file:
            page, digests = _read_page(file)
            facts = self._facts(page)
            index = _parse(file, page["body_bytes"], digests)
        if (index.d, index.ntotal) != (facts.dimension, facts.count):
            raise _unusable("damaged: it holds other vectors than it says")
        return facts, index

    def seq(self) -> int:
        """Number of the last change in the file, -1 where there is none of use; a quick look that
        does not check the body."""
        try:
            with self._opened() as file:
                return self._facts(_read_page(file)[0]).seq
        except UnusableError:
            return -1

    def write(self, facts: Facts, index: Any) -> None:
        """Put an index in the file's place; only for who holds :meth:`owned`.

        Raises :class:`ArchiveError` where it cannot be written, and leaves what was there.
        """
        unfinished = self.folder / f"{secrets.token_hex(8)}{UNFINISHED}"
        try:
            with unfinished.open("xb") as file:
                body = PartWriter(file)
                _write_index(index, body)
                page = {"magic": _MAGIC, "layout": LAYOUT, "body_bytes": file.tell()}
                digests = body.digests()
                file.write(digests + _page({**page, **asdict(facts)}, digests))
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.folder / NAME)
            _force(self.folder)
        except OSError as err:
            raise _unwritable(self.folder, err) from err
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    @contextmanager
    def owned(self) -> Iterator[bool]:
        """Whether this process may write, which one at a time may; never waits. Raises
        :class:`ArchiveError` where the folder cannot be written at all."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.folder / LOCK, timeout=0, thread_local=False).acquire()
        except Timeout:
            yield False
            return
        except OSError as err:
            raise _unwritable(self.folder, err) from err
        with lock:
            for left in self.folder.glob(f"*{UNFINISHED}"):  # by an owner that died
                with suppress(OSError):
                    left.unlink()
            yield True

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            with (self.folder / NAME).open("rb") as file:
                yield file
        except FileNotFoundError as err:
            raise _unusable("missing", "index_missing") from err
        except OSError as err:
            raise _unusable(f"unreadable: {err.strerror}") from err

    def _facts(self, page: dict[str, Any]) -> Facts:
        facts = Facts(**{name: page[name] for name in Facts.__slots__})
        if (facts.source, facts.dimension) != (self.source, self.dimension):
            raise _unusable(f"of {facts.source} with {facts.dimension} numbers to a vector")
        return facts


def _write_index(index: Any, body: PartWriter) -> None:
    try:
        faiss.write_index(index, faiss.PyCallbackIOWriter(body.write, _CHUNK))
    except (RuntimeError, OSError):
        if body.failure is not None:
            raise body.failure from None
        raise


def _parse(file: BinaryIO, size: int, digests: bytes) -> Any:
    """The index, once every part of it was seen to be right."""
    try:
        with checked_parts(file, size, digests) as parts:
            index = faiss.read_index(faiss.PyCallbackIOReader(parts.read, _CHUNK))
            parts.drain()
            return index
    except DamagedError as err:
        raise _unusable("damaged: a digest differs") from err
    except RuntimeError as err:
        raise _unusable("of a kind that this FAISS does not know") from err


def _page(page: dict[str, Any], digests: bytes) -> bytes:
    text = json.dumps(page).encode().ljust(_PAGE - _DIGEST)
    if len(text) > _PAGE - _DIGEST:
        raise ArchiveError(
            f"the name of a source is too long: {len(text)} bytes",
            code="bad_source",
            next_step="Report this: names come from the archive itself.",
        )
    return text + _sealed(digests, text)


def _sealed(digests: bytes, text: bytes) -> bytes:
    return hashlib.sha256(digests + text).hexdigest().encode()


def _read_page(file: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """The last page, and the digests of the parts of the body before it."""
    end = file.seek(0, os.SEEK_END) - _PAGE
    if end < 0:
        raise _unusable("damaged: too short")
    file.seek(end)
    text, seal = file.read(_PAGE - _DIGEST), file.read(_DIGEST)
    page = _json(text)
    if page.get("magic") != _MAGIC:
        raise _unusable("no index")
    if page.get("layout") != LAYOUT:
        raise _unusable(f"of layout {page.get('layout')}, not {LAYOUT}")
    digests = _before(file, end, page)
    if _sealed(digests, text) != seal:
        raise _unusable("damaged: its last page is not as written")
    return page, digests


def _before(file: BinaryIO, end: int, page: dict[str, Any]) -> bytes:
    """What lies between the body and the last page."""
    body_bytes = page.get("body_bytes")
    if not isinstance(body_bytes, int) or not 0 <= body_bytes <= end:
        raise _unusable("damaged: its last page is not as written")
    file.seek(body_bytes)
    return file.read(end - body_bytes)


def _json(text: bytes) -> dict[str, Any]:
    """The page's words; nothing where it is none, or is damaged."""
    try:
        page = json.loads(text)
    except ValueError:  # also where the bytes are no UTF-8
        return {}
    return page if isinstance(page, dict) else {}


def _force(folder: Path) -> None:
    """Bring a rename to the disk; Windows does so by itself and opens no folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(how: str, code: str = "index_damaged") -> UnusableError:
    return UnusableError(
        f"the index file is {how}",
        code=code,
        next_step="Nothing to do: the index is built from the database.",
    )


def _unwritable(folder: Path, err: OSError) -> ArchiveError:
    return ArchiveError(
        f"the index in {folder} cannot be written: {err.strerror}",
        code="index_unwritable",
        next_step="Make room or correct its permissions; searches work without, opening is slower.",
    )
