"""Small videos for ingests, and what an archive made of them holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.ingest_kills import StubEmbedder, contents

__all__ = ["Recording", "StubEmbedder", "contents", "write_video"]


def write_video(path: Path, length_s: float, *, seed: int = 0, **tags: str) -> Path:
    """A video of 64 x 48 at 5 frames a second, no two seeds alike."""
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata.update(tags)
        stream = container.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(max(1, round(length_s * 5))):
            picture = np.full((48, 64, 3), (31 * seed + 3 * k) % 256, dtype=np.uint8)
            picture[(k + seed) % 48] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


class Recording(StubEmbedder):
    """A stub that remembers how many clips it was given at a time."""

    def __init__(self, **how: object) -> None:
        super().__init__(**how)  # type: ignore[arg-type]
        object.__setattr__(self, "given", [])

    given: list[int]

    def embed_clips(
        self, rgb_THWC: NDArray[np.uint8], clips: Sequence[tuple[int, int]]
    ) -> NDArray[np.float32]:
        self.given.append(len(clips))
        return super().embed_clips(rgb_THWC, clips)
