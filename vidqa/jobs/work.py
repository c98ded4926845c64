"""What a handler works with: the model, the job's videos as files, a way out for progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vidqa import interrupts
from vidqa.effort import Halt
from vidqa.errors import VideoError
from vidqa.fetching import Roots
from vidqa.service.library import Library
from vidqa.service.measuring import check_length
from vidqa.service.records import Job, JsonDict, Progress
from vidqa.service.requests import VideoRef

if TYPE_CHECKING:  # a session loads torch
    from vidqa.session import Session

Fetch = Callable[[str], Path]
"""A URL to a local file, checked and bounded; raises :class:`vidqa.errors.VidqaError`."""


@dataclass(slots=True)
class Meter:
    """The progress of a job, as its worker last said it; read by another thread."""

    now: Progress = field(default_factory=lambda: Progress(stage="started"))
    _began_s: float = field(default_factory=time.monotonic)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Told at every step; raises :class:`Interrupted` where the job is to end."""
        if stage != self.now.stage:
            self._began_s = time.monotonic()
        eta_s = None
        if 0 < done <= total:
            eta_s = (time.monotonic() - self._began_s) / done * (total - done)
        self.now = Progress(stage=stage, done=done, total=total, eta_s=eta_s)
        interrupts.check()

    def told(self, progress: Progress) -> None:
        """As a call, by somebody who knows the time that is left."""
        self.now = progress
        interrupts.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One job's means."""

    job: Job
    meter: Meter
    halt: Halt
    """Asked when the job is to end: a search then stops in good order."""
    session: Callable[[], Session]
    """The worker's one session; the model is loaded at the first call."""
    library: Library
    media_roots: tuple[Path, ...] = ()
    fetch: Fetch
    product: Callable[[str], JsonDict | None] = lambda _: None
    """The tenant's result of an earlier job of the same making, by product key."""

    longest_s: float = math.inf
    """Longest video that is worked on."""
    measured: Callable[[Path], JsonDict]
    """The facts of a file, as :func:`vidqa.service.measuring.measure`."""
    _short_enough: set[Path] = field(default_factory=set)

    def file(self, ref: VideoRef) -> Path:
        """The video on this machine.

        Raises :class:`ServiceError` where the library has it no more, :class:`FetchError` for a
        path outside the roots and a URL that may not be fetched, :class:`VideoError`
        ``video_too_long``.
        """
        if ref.video_id is not None:
            video = self.library.get(self.job.tenant, ref.video_id)
            self._check_length(video.path, video.facts, measure=video.state == "arrived")
            return video.path
        path = self.fetch(str(ref.url)) if ref.path is None else self._located(ref.path)
        self._check_length(path, None, measure=True)
        return path

    def _located(self, path: str) -> Path:
        return Roots(self.media_roots).locate(path)

    def _check_length(self, path: Path, facts: JsonDict | None, *, measure: bool) -> None:
        """Once for each file of a job: a handler asks for it at every turn."""
        if path in self._short_enough:
            return
        if facts is None and measure:
            with suppress(VideoError):  # the work itself will say so, and of which part
                facts = self.measured(path)
        if facts is not None:
            check_length(facts, self.longest_s)
        self._short_enough.add(path)


class Made(NamedTuple):
    """What came of a job."""

    result: JsonDict
    outcome: str | None
    product_key: str | None
    """Digest of everything the result depends on, where it may serve a repeated job; None: it may
    not, as it was cut short or other things depend on it."""
