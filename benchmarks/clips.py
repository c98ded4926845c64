"""The videos that the reading benchmark reads: drawn by ffmpeg, the same on every machine."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

RATE = 25
_X264 = ("libx264", "-preset", "veryfast", "-bf", "3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One file to generate, and what is to be read from it."""

    name: str
    width: int
    height: int
    seconds: int
    frames: int
    """How many frames are wanted, evenly spread, an even number."""
    size: tuple[int, int]
    """(height, width) they are wanted at, multiples of 28."""
    encoder: tuple[str, ...]

    def shortened(self, seconds: int) -> Clip:
        """The same with fewer seconds and as many fewer frames."""
        frames = max(4, self.frames * seconds // self.seconds // 2 * 2)
        return Clip(
            name=self.name,
            width=self.width,
            height=self.height,
            seconds=seconds,
            frames=frames,
            size=self.size,
            encoder=self.encoder,
        )

    def make(self, folder: Path) -> Path:
        """The file, drawn unless it is there already."""
        path = folder / f"{self.name.replace(' ', '-')}-{self.seconds}s.mp4"
        if not path.exists():
            part = path.with_suffix(".part.mp4")
            subprocess.run(self._command(part), check=True)
            part.rename(path)
        return path

    def _command(self, path: Path) -> list[str]:
        picture = f"testsrc2=s={self.width}x{self.height}:r={RATE}:d={self.seconds}"
        drawn = f"{picture},noise=alls=4:allf=t,format=yuv420p"
        source = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", drawn]
        return [*source, "-c:v", *self.encoder, str(path)]


FULL = (
    Clip(
        name="720p H.264 GOP 250",
        width=1280,
        height=720,
        seconds=75,
        frames=96,
        size=(420, 728),
        encoder=(*_X264, "-g", "250"),
    ),
    Clip(
        name="1080p H.264 GOP 60",
        width=1920,
        height=1080,
        seconds=40,
        frames=52,
        size=(532, 952),
        encoder=(*_X264, "-g", "60"),
    ),
    Clip(
        name="360p H.264 GOP 250",
        width=640,
        height=360,
        seconds=300,
        frames=64,
        size=(364, 644),
        encoder=(*_X264, "-g", "250"),
    ),
    Clip(
        name="720p HEVC GOP 250",
        width=1280,
        height=720,
        seconds=50,
        frames=64,
        size=(420, 728),
        encoder=("libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=4"),
    ),
)
QUICK = (FULL[0].shortened(45),)
