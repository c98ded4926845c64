"""A clock that ends loops which a hostile file would keep going."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from vidqa import interrupts
from vidqa.errors import VideoError
from vidqa.video.pulse import PULSE


@dataclass(slots=True)
class Deadline:
    """A moment on the monotonic clock by which one piece of work must be over."""

    path: Path
    work: str
    allowed_s: float
    ends_at: float

    @classmethod
    def after(cls, seconds: float, path: Path, work: str) -> Deadline:
        """A deadline that many seconds from now; ``work`` names the piece for the message."""
        return cls(path, work, seconds, time.monotonic() + seconds)

    def extend(self, seconds: float) -> None:
        """Allow more: time that was spent waiting for somebody else does not count."""
        self.ends_at += seconds

    def check(self) -> None:
        """Count a step; raise :class:`VideoError` ``decoder_timeout`` when time is up, and
        :class:`vidqa.interrupts.Interrupted` where somebody wants an end."""
        interrupts.check()
        PULSE.beat()
        if time.monotonic() > self.ends_at:
            raise VideoError(
                f"{self.path}: {self.work} was not over after {self.allowed_s:.0f} s",
                code="decoder_timeout",
                next_step="Re-encode it (ffmpeg -i IN -c:v libx264 OUT.mp4) or raise the limit.",
            )
