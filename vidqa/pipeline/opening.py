"""A place in, a video ready to be indexed out: known, or measured, or with what is wrong with it.

Files are looked at from cheap to dear, and no further than needed: place, size and time of change
(known and complete: nothing is read), first bytes, digest, packets. One thread does this for the
next file while the one before is indexed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from vidqa.archive.discover import Place
from vidqa.archive.recorded import Recorded, recorded_at
from vidqa.archive.records import Facts, Video
from vidqa.archive.remote import Remote, is_url
from vidqa.archive.store import Store
from vidqa.errors import ArchiveError, VideoError
from vidqa.video import (
    Film,
    Stamp,
    describe,
    file_sha256,
    is_still,
    media,
    sniff,
    stamp_of,
)

_NOT_VIDEOS = frozenset({"not_a_video", "no_video_stream", "file_empty", "playlist_refused"})
"""What says of a file that nobody took for a video that it is none."""


@dataclass(slots=True, kw_only=True)
class Opened:
    """One file, as far as it had to be looked at."""

    place: Place
    known: Video | None = None
    """The video that the archive holds of these bytes."""
    complete: bool = False
    """Whether it is indexed already, all of it."""
    untouched: bool = False
    """Whether it lies where it lay, unchanged: nothing was read."""
    path: Path | None = None
    stamp: Stamp | None = None
    digest: str = ""
    """``sha256:...``; empty while nothing had to be read."""
    film: Film | None = None
    recorded: Recorded | None = None
    error: VideoError | ArchiveError | None = None
    """Why it cannot be indexed."""
    ignored: bool = False
    """No video, and nobody said it was."""
    stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Remove what was fetched."""
        self.stack.close()

    @property
    def unchanged(self) -> bool:
        """Whether the file still is what was opened; a fetched copy always is."""
        if self.path is None or self.stamp is None:
            return False
        try:
            return stamp_of(self.path) == self.stamp
        except VideoError:
            return False

    @property
    def facts(self) -> Facts | None:
        """What was measured."""
        if self.film is None or self.recorded is None:
            return None
        info = describe(self.film)
        return Facts(
            duration_s=info.duration_s,
            start_time_s=info.start_time_s,
            width=info.width,
            height=info.height,
            variable_rate=info.vfr,
            container=info.container,
            codec=info.video_codec,
            recorded_at=self.recorded.at,
            recorded_from=self.recorded.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Looks at files for one run."""

    store: Store
    archive: str
    generation_id: int
    remote: Remote
    retry: bool
    """Whether files that failed before are tried again."""
    reader: str = "pyav"
    """How files are decoded, see :func:`vidqa.video.media`."""

    def open(self, place: Place) -> Opened:
        """Never raises for what is wrong with a file."""
        opened = Opened(place=place)
        location = place.location
        known = self.store.found(self.archive, location.url, location.size, location.modified_ns)
        if known is not None:
            opened.known, opened.complete = known, self._complete(known)
            opened.untouched = opened.complete or (known.state == "failed" and not self.retry)
            if opened.untouched:
                return opened
        try:
            self._read(opened)
        except (VideoError, ArchiveError) as err:
            opened.error = err
            opened.ignored = err.code in _NOT_VIDEOS and not place.expected
        return opened

    def again(self, opened: Opened) -> Opened:
        """The same place, looked at anew after its file changed."""
        opened.close()
        place, location = opened.place, opened.place.location
        if not is_url(location.url):
            try:
                status = Path(location.url).stat()
            except OSError:
                return opened
            location = type(location)(
                url=location.url, size=status.st_size, modified_ns=status.st_mtime_ns
            )
        return self.open(Place(location=location, named=place.named))

    def _read(self, opened: Opened) -> None:
        location = opened.place.location
        if is_url(location.url):
            path, sha256 = opened.stack.enter_context(self.remote.fetched(location))
            opened.path, opened.stamp = path, stamp_of(path)
            _check_kind(path)
        else:
            opened.path = path = Path(location.url)
            opened.stamp = stamp_of(path)
            _check_kind(path)
            sha256 = file_sha256(path)
        opened.digest = f"sha256:{sha256}"
        opened.known = self.store.by_digest(self.archive, opened.digest)
        opened.complete = opened.known is not None and self._complete(opened.known)
        if not opened.complete:
            decoding = media(self.reader)
            opened.film = decoding.study(path)
            name = location.url.rsplit("/", 1)[-1] if is_url(location.url) else path.name
            opened.recorded = recorded_at(name, decoding.tags(path))

    def _complete(self, video: Video) -> bool:
        return video.state == "ready" and self.store.embedded(video.id, self.generation_id)


def _check_kind(path: Path) -> None:
    """Raise :class:`VideoError` for what is no film, pictures among it."""
    kind = sniff(path)
    if kind not in ("gif", "mov"):
        return
    try:
        still = is_still(path)
    except VideoError as err:
        if err.code != "codec_unsupported":
            raise
        still = True
    if still:
        raise VideoError(
            f"{path}: a picture, not a video",
            code="not_a_video",
            next_step="Give videos; ask takes pictures, one at a time.",
        )


def one_ahead(opener: Opener, places: Iterable[Place]) -> Iterator[Opened]:
    """Each place opened, the next one while the caller works on this one."""
    with ThreadPoolExecutor(1, thread_name_prefix="vidqa-open") as pool:
        waiting: Future[Opened] | None = None
        try:
            for place in places:
                following = pool.submit(opener.open, place)
                if waiting is not None:
                    yield waiting.result()
                waiting = following
            if waiting is not None:
                last, waiting = waiting, None
                yield last.result()
        finally:
            if waiting is not None and not waiting.cancel():
                waiting.result().close()
