"""What decoding tells of itself while it goes on: that it does, and that memory ran short.

One count for the whole process. In a decoding child it lies in memory that the parent shares, and
the parent ends a child whose count stands still.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pulse:
    """Counts; only whether they move matters, so threads need no lock."""

    beats: memoryview = field(default_factory=lambda: memoryview(array("Q", [0])))
    """One number of 64 bits."""
    shortages: int = 0
    """How often memory for a picture could not be had."""

    def beat(self) -> None:
        """Work has come a step further."""
        self.beats[0] = (self.beats[0] + 1) % (1 << 63)

    def short(self) -> None:
        """Memory was refused, by the system or by FFmpeg's own limits."""
        self.shortages += 1


PULSE = Pulse()
