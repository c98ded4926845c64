"""Ingests that are killed and begun anew, and whether the archive is what it would have been.

``python -m benchmarks.ingest_kills FOLDER DATABASE [--slow S]`` is the process that is killed: it
ingests with an embedder of no model, whose vectors are the frames' own brightness.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from vidqa.archive.store import Store, open_store
from vidqa.pipeline.ingest import ingest
from vidqa.pipeline.ingest_options import IngestOptions

LEASE_S = 0.5
KILLS_EACH = 5
"""Kills that one archive survives, at most, before it is finished and compared."""
_SIDE = 16


@dataclass(frozen=True)
class StubEmbedder:
    """Vectors from a few numbers about the frames: enough to tell clips apart."""

    name: str = "stub@sha256:0"
    recipe: str = "means"
    dimension: int = 8
    centred: bool = False
    slow_s: float = 0.0
    """How long a group of clips takes."""

    def frame_size(self, height: int, width: int) -> tuple[int, int]:
        """See :class:`vidqa.pipeline.embedder.Embedder`."""
        return _SIDE, _SIDE

    def embed_clips(
        self, rgb_THWC: NDArray[np.uint8], clips: Sequence[tuple[int, int]]
    ) -> NDArray[np.float32]:
        """See :class:`vidqa.pipeline.embedder.Embedder`: brightness of eight bands of rows."""
        time.sleep(self.slow_s)
        bands = [
            rgb_THWC[first:last].reshape(last - first, 8, -1).mean(axis=(0, 2))
            for first, last in clips
        ]
        vectors_ND = np.asarray(bands, dtype=np.float32) + 1
        unit_ND: NDArray[np.float32] = vectors_ND / np.linalg.norm(
            vectors_ND, axis=1, keepdims=True
        )
        return unit_ND

    def embed_text(self, text: str) -> NDArray[np.float32]:
        """See :class:`vidqa.pipeline.embedder.Embedder`."""
        vector_D = np.zeros(self.dimension, dtype=np.float32)
        vector_D[len(text) % self.dimension] = 1
        return vector_D

    def embed_image(self, rgb_HWC: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :class:`vidqa.pipeline.embedder.Embedder`."""
        vector_D: NDArray[np.float32] = self.embed_clips(rgb_HWC[None], [(0, 1)])[0]
        return vector_D


def contents(store: Store) -> list[dict[str, Any]]:
    """All that an archive holds, in an order and with names that do not depend on its history."""
    found = []
    for generation in store.generations():
        blocks = list(store.source(generation.id).blocks())
        vectors = {
            int(clip_id): vector_D.tobytes().hex()
            for block in blocks
            for clip_id, vector_D in zip(block.ids_N, block.vectors_ND, strict=True)
        }
        for video in store.videos(limit=100_000):
            clips = store.clips_of(video.id, generation.id)
            found.append(
                {
                    "generation": (generation.model, generation.recipe, generation.state),
                    "digest": video.digest,
                    "facts": video.facts,
                    "state": video.state,
                    "reason": video.reason,
                    "tags": video.tags,
                    "places": video.locations,
                    "embedded": store.embedded(video.id, generation.id),
                    "lines": store.lines_of(video.id),
                    "clips": [
                        (
                            clip.number,
                            clip.span,
                            clip.key_s,
                            hashlib.sha256(store.thumbnail(clip.id)).hexdigest(),
                            vectors[clip.id],
                        )
                        for clip in clips
                    ],
                }
            )
    return sorted(found, key=lambda each: (str(each["generation"]), each["digest"]))


def killed(kills: int, *, seed: int = 0, slow_s: float = 0.05) -> dict[str, Any]:
    """Kill a process so often; how many archives came out different from an undisturbed one."""
    draw = random.Random(seed)  # noqa: S311  (moments, not secrets)
    archives, different, done = 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_videos(folder / "videos")
        whole_s = time.monotonic()
        _finished(_start(folder / "videos", folder / "whole.db", slow_s))
        whole_s = time.monotonic() - whole_s
        with open_store(folder / "whole.db") as store:
            wanted = contents(store)
        while done < kills:
            place = folder / f"{archives}.db"
            for _ in range(min(KILLS_EACH, kills - done)):
                running = _start(folder / "videos", place, slow_s)
                if _ended(running, draw.uniform(0.2, whole_s)):
                    break
                done += 1
            _finished(_start(folder / "videos", place, 0.0))
            with open_store(place) as store:
                different += contents(store) != wanted
            archives += 1
    return {"kills": done, "archives": archives, "different": different, "run_s": whole_s}


def make_videos(folder: Path) -> None:
    """Six videos of 1 to 150 s, one of them broken, one with subtitles."""
    folder.mkdir()
    for number, length_s in enumerate((150, 70, 30, 10, 1)):
        path = folder / f"video {number}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
            for k in range(length_s * 5):
                picture = np.full((64, 64, 3), (7 * number + 3 * k) % 256, dtype=np.uint8)
                picture[k % 64] = 255
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
    whole = (folder / "video 0.mp4").read_bytes()
    (folder / "broken.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "video 1.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")


def _start(videos: Path, place: Path, slow_s: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.ingest_kills", str(videos), str(place)]
    return subprocess.Popen([*command, "--slow", str(slow_s)])


def _ended(process: subprocess.Popen[bytes], after_s: float) -> bool:
    """Whether it got through by itself; killed otherwise."""
    try:
        _checked(process.wait(after_s))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return False
    return True


def _finished(process: subprocess.Popen[bytes]) -> None:
    _checked(process.wait())


def _checked(code: int) -> None:
    if code != 0:
        raise SystemExit(f"an ingest ended with code {code}")


def _main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("place")
    parser.add_argument("--slow", type=float, default=0.0)
    args = parser.parse_args()
    with open_store(args.place) as store:
        how = IngestOptions(lease_s=LEASE_S)
        report = ingest([args.folder], store, StubEmbedder(slow_s=args.slow), options=how)
    return int(any(each.outcome == "held" for each in report.files))


if __name__ == "__main__":
    raise SystemExit(_main())
