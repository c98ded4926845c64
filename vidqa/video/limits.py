"""What a file may cost before it is refused: frozen numbers, each with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one file, whatever it claims about itself."""

    frame_side: int = 8192
    """Largest width or height of a picture, in pixels."""
    frame_pixels: int = 33_200_000
    """Largest width times height of a picture: 7680 x 4320 fits."""
    streams: int = 1024
    """Largest number of streams in one container."""
    open_s: float = 10.0
    """Longest time spent on finding the streams of a file, in seconds."""
    scan_s: float = 8.0
    """Least time allowed for reading all packets, in seconds; large files get more."""
    scan_bytes_per_s: float = 10e6
    """A file of n bytes may take n over this many seconds to read, when that is longer."""
    decode_s: float = 8.0
    """Least time allowed for decoding, in seconds; long films get more."""
    decode_s_per_packet: float = 0.25
    """A film of n packets may take n times this many seconds to decode, when that is longer."""

    def scan_seconds(self, size_bytes: int) -> float:
        """Wall seconds within which a file of this size must have been demuxed."""
        return max(self.scan_s, size_bytes / self.scan_bytes_per_s)

    def decode_seconds(self, packets: int) -> float:
        """Wall seconds within which so many packets must have been decoded."""
        return max(self.decode_s, packets * self.decode_s_per_packet)


DEFAULT_LIMITS = Limits()
