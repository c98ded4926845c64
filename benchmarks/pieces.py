"""What a frame and a clip of a segment cost: ten frames spread over each film, then three seconds.

``python -m benchmarks.pieces FILM... [--reader isolated]``
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from vidqa.api.pieces import Pieces
from vidqa.video import probe
from vidqa.video.piece import Piece, PieceMaker

FRAMES, CLIP_S = 10, 3.0


def main() -> None:
    """Print milliseconds of each frame in its order, and of the clip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("films", type=Path, nargs="+")
    parser.add_argument("--reader", default="isolated", help="as the service (isolated), or pyav")
    options = parser.parse_args()
    for film in options.films:
        with tempfile.TemporaryDirectory() as folder:
            measure(film, Pieces(Path(folder), PieceMaker(options.reader)))


def measure(film: Path, pieces: Pieces) -> None:
    """One film; the first frame also starts the fork server, where none ran before."""
    length_s = probe(film).duration_s
    frames_ms = [
        _took_ms(film, pieces, Piece(start_s=length_s * (k + 0.5) / FRAMES, end_s=None))
        for k in range(FRAMES)
    ]
    clip = Piece(start_s=length_s / 2, end_s=min(length_s, length_s / 2 + CLIP_S))
    clip_ms = _took_ms(film, pieces, clip)
    pieces.close()
    told = ", ".join(f"{each:.0f}" for each in frames_ms)
    print(f"{film.name} ({length_s:.1f} s): frames {told} ms", end="")
    print(f", median {statistics.median(frames_ms):.0f}; clip {clip_ms:.0f} ms")


def _took_ms(film: Path, pieces: Pieces, piece: Piece) -> float:
    began_s = time.perf_counter()
    pieces.piece(film, piece, sha256=None)
    return 1000 * (time.perf_counter() - began_s)


if __name__ == "__main__":
    main()
