"""From a hit to its frames: the video's file found, measured, and looked at closely.

A file that is gone, was changed, or lies where nothing may be fetched from is told of the hit that
it belongs to, and ends nothing else.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from vidqa.archive.records import Location
from vidqa.archive.remote import Remote, is_url
from vidqa.effort import Effort
from vidqa.errors import ArchiveError, VideoError
from vidqa.hits import VideoRef
from vidqa.pipeline.closeup import Closeups
from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.look import open_source
from vidqa.video import KnownFile


@dataclass(slots=True)
class Footage:
    """The files behind the hits of one call; use it in a ``with`` block, which removes what was
    fetched."""

    ctx: Context
    clock: StageClock
    effort: Effort
    remote: Remote = field(default_factory=Remote)
    """What may be fetched; by default nothing."""
    _opened: dict[int, Closeups | VideoError | ArchiveError] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Footage:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def closeups(self, video: VideoRef) -> Closeups:
        """Close looks at a video, each made once.

        Raises :class:`VideoError` ``video_gone`` where none of its files is there,
        ``video_changed`` where other bytes lie there, and as opening does; :class:`ArchiveError`
        for what may not be fetched.
        """
        if video.id not in self._opened:
            try:
                self._opened[video.id] = self._open(video)
            except (VideoError, ArchiveError) as err:
                self._opened[video.id] = err
        found = self._opened[video.id]
        if isinstance(found, Closeups):
            return found
        raise found

    def path(self, video: VideoRef) -> Path:
        """Where its bytes lie on this machine; raises as :meth:`closeups`."""
        return self.closeups(video).source.path

    def _open(self, video: VideoRef) -> Closeups:
        source = self._source(video)
        return Closeups(
            source=source,
            ctx=self.ctx,
            clock=self.clock,
            effort=self.effort,
            window=source.reader.info.span,
        )

    def _source(self, video: VideoRef) -> KnownFile:
        changed: VideoError | None = None
        remote = [place for place in video.paths if is_url(place)]
        for place in [p for p in video.paths if not is_url(p) and Path(p).exists()]:
            source = open_source(Path(place), self.ctx, self.clock.quiet())
            if f"sha256:{source.sha256}" == video.digest:
                return source
            changed = VideoError(
                f"{place}: its bytes are not those that were indexed",
                code="video_changed",
                next_step="Index it again: vidqa index.",
            )
        if remote:
            location = Location(url=remote[0], size=0, modified_ns=0)
            fetched = self._stack.enter_context(self.remote.fetched(location))
            return open_source(fetched.path, self.ctx, self.clock.quiet())
        raise changed or VideoError(
            f"{video.path}: the file is gone",
            code="video_gone",
            next_step="Put it back, or index it where it is now: vidqa index.",
        )
