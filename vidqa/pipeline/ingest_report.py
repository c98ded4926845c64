"""What came of an ingest, file by file, and how far one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["indexed", "unchanged", "moved", "copied", "held", "failed"]
"""``held``: another process works on it. ``unchanged`` covers files whose index is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What came of one file."""

    url: str
    outcome: Outcome
    video_id: int | None = None
    duration_s: float = 0.0
    """Of the video, where it was indexed now."""
    clips: int = 0
    """Clips that were added now."""
    code: str | None = None
    """Of the error, where it failed now."""
    reason: str | None = None
    """Why it failed, for a person."""
    known: bool = False
    """Whether it had failed in an earlier run, and was not tried again."""
    notes: tuple[str, ...] = ()
    """What is to be known of it all the same: a tail that does not decode, bad subtitles."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values; what does not apply is left out."""
        told: dict[str, object] = {"url": self.url, "outcome": self.outcome}
        told["video_id"] = self.video_id
        if self.outcome == "indexed":
            told.update(duration=self.duration_s, clips=self.clips)
        if self.outcome == "failed":
            told.update(code=self.code, reason=self.reason, known=self.known)
        return {**told, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What came of all files."""

    files: Sequence[FileReport]
    not_videos: int
    """Files in folders that nobody would take for videos, and that are none."""
    hidden: int
    """Files and folders passed over because their names begin with a dot."""
    removed: Sequence[str]
    """Digests of videos that were removed: overwritten, or gone where that was asked for."""
    gone: Sequence[str]
    """Known files that lay in the folders and no longer do; their index is kept."""
    seconds: float
    """Wall time."""
    video_s: float
    """Seconds of video indexed in it."""
    serving: bool
    """Whether searches see what was indexed: false while another model's vectors serve."""
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    """What is to be known of the archive, or of the footage, all the same."""

    @property
    def failed(self) -> list[FileReport]:
        """Files that are not indexed, with reasons."""
        return [each for each in self.files if each.outcome == "failed"]

    @property
    def complete(self) -> bool:
        """Whether everything that was named is indexed now."""
        return not self.interrupted and not any(
            each.outcome in ("failed", "held") for each in self.files
        )

    @property
    def rate(self) -> float:
        """Seconds of video indexed in a second."""
        return self.video_s / self.seconds if self.seconds else 0.0

    def counts(self) -> dict[str, int]:
        """Files by outcome."""
        return dict(Counter(each.outcome for each in self.files))

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "files": [each.to_dict() for each in self.files],
            "counts": self.counts(),
            "not_videos": self.not_videos,
            "hidden": self.hidden,
            "removed": list(self.removed),
            "gone": list(self.gone),
            "seconds": self.seconds,
            "video_seconds": self.video_s,
            "rate": self.rate,
            "serving": self.serving,
            "interrupted": self.interrupted,
            "notes": list(self.notes),
        }


@dataclass(slots=True, kw_only=True)
class IngestProgress:
    """How far an ingest is; sizes are bytes of files."""

    files: int
    size: int
    files_done: int = 0
    size_done: int = 0
    video_s: float = 0.0
    """Seconds of video indexed so far."""
    elapsed_s: float = 0.0
    current: str = ""
    """The file being read."""
    current_fraction: float = 0.0
    current_size: int = 0
    read: int = 0
    """Bytes of files that were indexed, rather than known or refused."""
    spent_s: float = 0.0
    """Wall time that went into them."""

    @property
    def fraction(self) -> float:
        """Share of the bytes that are dealt with, 0 to 1."""
        done = self.size_done + self.current_fraction * self.current_size
        return min(1.0, done / self.size) if self.size else 1.0

    @property
    def rate(self) -> float:
        """Seconds of video indexed in a second of work."""
        return self.video_s / self.spent_s if self.spent_s else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds left, as if every other file were to be indexed at the rate of those that were;
        None before one could tell."""
        read = self.read + self.current_fraction * self.current_size
        if read <= 0 or self.spent_s <= 0:
            return None
        left = self.size - self.size_done - self.current_fraction * self.current_size
        return max(0.0, left * self.spent_s / read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who is told how an ingest goes."""

    progress: Callable[[IngestProgress], None] = field(default=lambda _: None)
    """Called whenever something was done, with one object that goes on changing."""
    file: Callable[[FileReport], None] = field(default=lambda _: None)
    """Called for each file once it is dealt with."""
