"""The one file of an index: FAISS's own bytes, then a page that says what they are.

``body | digests of its parts | {"magic": ..., "body_bytes": ..., "seq": ...} padded to a page``

The page comes last, so that the file is written in one go and FAISS reads it as it is; its own
digest is over the digests too. It is written under another name, forced to the disk, then given its
name: what lies there is whole, of one moment, whatever died meanwhile. FAISS loads flipped bits
without a word, so no part is handed to it before its digest was seen to be right (:mod:`.parts`).
Who writes holds ``owner.lock``; readers need no lock: they keep the file they opened, also where it
is replaced meanwhile. Only deleted vectors are made zeros in place (:mod:`.scrubbing`); who reads
in that moment finds damage, waits for the lock, and reads again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from vidqa.archive.vectors.kinds import Kind, lists_for
from vidqa.archive.vectors.library import faiss
from vidqa.archive.vectors.parts import DamagedError, PartWriter, checked_parts
from vidqa.archive.vectors.scrubbing import NotInListsError, digests_after, zero_codes
from vidqa.archive.vectors.trailer import UnusableError, page_of, read_end, unusable
from vidqa.errors import ArchiveError

NAME, LOCK, UNFINISHED = "index.faiss", "owner.lock", ".tmp"
_CHUNK = 1 << 20
_PATIENCE_S = 10.0
"""How long a reader of a damaged file waits for whoever may be changing it."""


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An index file in a folder of its own, which is made when it is first written."""

    folder: Path
    source: str
    dimension: int

    def read(self) -> tuple[Facts, Any]:
        """The facts and the FAISS index. Raises :class:`UnusableError` unless every byte is as it
        was written, for this source."""
        try:
            return self._read()
        except UnusableError as err:
            if err.code != "index_damaged" or not self._waited():
                raise
            return self._read()

    def scrub(self, gone_N: NDArray[np.int64]) -> bool:
        """Make zeros of these clips' vectors, where the file has any, and leave the rest; False
        where they do not lie as lists do. Only for who holds :meth:`owned`.

        Killed on the way it leaves a damaged file, which is built anew. Raises
        :class:`UnusableError` as :meth:`read`, :class:`ArchiveError` where it cannot be written.
        """
        with self._opened("r+b") as file:
            page, digests = read_end(file)
            facts, body_bytes = self._facts(page), page["body_bytes"]
            if facts.kind != "lists":
                return False
            lists, width = lists_for(facts.trained_on), facts.dimension
            try:
                changed = zero_codes(file, body_bytes, facts.count, lists, width, gone_N)
                after = bytes(digests_after(file, body_bytes, digests, changed))
                file.seek(body_bytes)
                file.write(after + page_of(page, after))
                file.flush()
                os.fsync(file.fileno())
            except NotInListsError:
                return False
            except OSError as err:
                raise _unwritable(self.folder, err) from err
        return True

    def facts(self) -> Facts:
        """What the file says of itself; raises :class:`UnusableError`. The body is not checked."""
        with self._opened() as file:
            return self._facts(read_end(file)[0])

    def _read(self) -> tuple[Facts, Any]:
        with self._opened() as file:
            page, digests = read_end(file)
            facts = self._facts(page)
            index = _parse(file, page["body_bytes"], digests)
        if (index.d, index.ntotal) != (facts.dimension, facts.count):
            raise unusable("damaged: it holds other vectors than it says")
        return facts, index

    def seq(self) -> int:
        """Number of the last change in the file, -1 where there is none of use; a quick look that
        does not check the body."""
        try:
            return self.facts().seq
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
                digests, told = body.digests(), {"body_bytes": file.tell(), **asdict(facts)}
                file.write(digests + page_of(told, digests))
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

    def _waited(self) -> bool:
        """Whether nobody changes the file any more, as who deletes does in its place."""
        try:
            with FileLock(self.folder / LOCK, timeout=_PATIENCE_S, thread_local=False):
                return True
        except (Timeout, OSError):
            return False

    @contextmanager
    def _opened(self, mode: Literal["rb", "r+b"] = "rb") -> Iterator[BinaryIO]:
        try:
            with (self.folder / NAME).open(mode) as file:
                yield file
        except FileNotFoundError as err:
            raise unusable("missing", "index_missing") from err
        except OSError as err:
            raise unusable(f"unreadable: {err.strerror}") from err

    def _facts(self, page: dict[str, Any]) -> Facts:
        facts = Facts(**{name: page[name] for name in Facts.__slots__})
        if (facts.source, facts.dimension) != (self.source, self.dimension):
            raise unusable(f"of {facts.source} with {facts.dimension} numbers to a vector")
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
        raise unusable("damaged: a digest differs") from err
    except RuntimeError as err:
        raise unusable("of a kind that this FAISS does not know") from err


def _force(folder: Path) -> None:
    """Bring a rename to the disk; Windows does so by itself and opens no folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, err: OSError) -> ArchiveError:
    return ArchiveError(
        f"the index in {folder} cannot be written: {err.strerror}",
        code="index_unwritable",
        next_step="Make room or correct its permissions; searches work without, opening is slower.",
    )
