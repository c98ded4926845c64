"""A clip or a frame of a video as a file, made in a process of its own.

``python -m vidqa.video.piece`` reads one JSON object with ``path``, ``out``, ``start`` and ``end``
(null for a frame), in seconds. It writes the file ``out`` (.mp4 or .jpg), and on standard output
``{}`` or the error as :meth:`vidqa.errors.VidqaError.to_dict` has it. It bounds itself before it
touches the video, and whoever started it may end it at any time, as :func:`make_piece` does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidqa.errors import ExportError, VideoError, VidqaError

MEMORY_BYTES = 6 << 30
"""Address space of the process, and of the ffmpeg that it starts: encoding takes much of it."""
CLIP_BYTES = 2 << 30
"""Largest file that it may write."""
FRAME_SIDE = 1280
"""Longest side of a frame, in pixels; larger videos are drawn smaller."""
_OPEN_FILES = 128
_JPEG_QUALITY = 90
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
"""All that it inherits: a service has passwords in its environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is wanted of a video; seconds on its timeline, ``[start_s, end_s)``."""

    start_s: float
    end_s: float | None
    """None: the one frame on screen at ``start_s``."""

    @property
    def suffix(self) -> str:
        """Of the file."""
        return ".jpg" if self.end_s is None else ".mp4"

    def within_s(self) -> float:
        """How long making it may take: decoding from far ahead, then encoding."""
        return 60.0 if self.end_s is None else 60.0 + 10.0 * (self.end_s - self.start_s)


def make_piece(path: Path, piece: Piece, out: Path) -> None:
    """Write the piece to ``out`` from a process with limits on memory, time and file size.

    Raises :class:`VideoError` as reading does, :class:`ExportError` for a process that was ended:
    ``piece_timeout`` after :meth:`Piece.within_s`, ``piece_crashed``.
    """
    order = {"path": str(path), "out": str(out), "start": piece.start_s, "end": piece.end_s}
    within_s = piece.within_s()
    process = subprocess.Popen(
        [sys.executable, "-m", "vidqa.video.piece"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        start_new_session=True,  # so that ffmpeg ends with it
    )
    try:
        said, _ = process.communicate(json.dumps(order).encode(), timeout=within_s)
    except subprocess.TimeoutExpired as err:
        raise ExportError(
            f"{out.suffix} of {path.name} was not made within {within_s:.0f} s",
            code="piece_timeout",
            next_step="Ask for a shorter stretch.",
        ) from err
    finally:
        _end(process)
    _check(said, process.returncode, path)


def _end(process: subprocess.Popen[bytes]) -> None:
    """It and all it started; nothing happens where they have ended."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _check(said: bytes, status: int, path: Path) -> None:
    try:
        error: dict[str, Any] = json.loads(said)
    except ValueError as err:
        raise ExportError(
            f"the process that was to cut {path.name} ended with {status}",
            code="piece_crashed",
            next_step="The file may be damaged; probe it, or ask for another stretch.",
        ) from err
    if error:
        kind = VideoError if error.get("stage") == "video" else ExportError
        raise kind(str(error["message"]), code=str(error["code"]), next_step=error["next_step"])


def main() -> None:
    """What the process does."""
    order = json.load(sys.stdin)
    _bound(Piece(start_s=order["start"], end_s=order["end"]).within_s())
    try:
        _make(Path(order["path"]), order["start"], order["end"], Path(order["out"]))
    except VidqaError as err:
        told: dict[str, object] = dict(err.to_dict())
    else:
        told = {}
    sys.stdout.write(json.dumps(told))


def _bound(within_s: float) -> None:
    import resource  # not on Windows, where nothing of this runs

    cpu_s = int(within_s * 2) + 1
    for which, most in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, CLIP_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (most if hard < 0 else min(most, hard), hard))


def _make(path: Path, start_s: float, end_s: float | None, out: Path) -> None:
    from vidqa.timeline import Span
    from vidqa.video.cut import cut_clip
    from vidqa.video.stills import is_still

    if is_still(path):
        if end_s is not None:
            raise ExportError(
                "a picture has no clips", code="clip_of_picture", next_step="Ask for its frame.jpg."
            )
        _draw_still(path, out)
    elif end_s is None:
        _draw_frame(path, start_s, out)
    else:
        cut_clip(path, Span(start_s, end_s), out)


def _draw_frame(path: Path, at_s: float, out: Path) -> None:
    from PIL import Image

    from vidqa.video.reader import open_reader

    reader = open_reader(path)
    shown = reader.frame_times_T
    size = _fitting(reader.info.height, reader.info.width)
    frames = reader.read_frames([min(max(at_s, 0.0), float(shown[-1]))], size)
    if not len(frames):
        raise VideoError(
            f"{path.name} does not decode at {at_s:.3f} s",
            code="frame_unreadable",
            next_step="Ask for an earlier frame.",
        )
    Image.fromarray(frames.rgb_THWC[0]).save(out, "JPEG", quality=_JPEG_QUALITY)


def _draw_still(path: Path, out: Path) -> None:
    from PIL import Image

    from vidqa.video.stills import read_still

    still = read_still(path)
    picture = still.resized(*_fitting(still.info.height, still.info.width))
    Image.fromarray(picture).save(out, "JPEG", quality=_JPEG_QUALITY)


def _fitting(height: int, width: int) -> tuple[int, int]:
    """The same shape with no side above :data:`FRAME_SIDE`."""
    shrink = min(1.0, FRAME_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


if __name__ == "__main__":
    main()
