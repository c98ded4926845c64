"""Small things to keep in an archive."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.records import Claim, Facts, Generation, Line, Location, NewClip, Video
from vidqa.archive.store import Store
from vidqa.timeline import Span

DIMENSION = 8


def a_location(url: str = "/films/door.mp4", *, size: int = 100, modified_ns: int = 7) -> Location:
    return Location(url=url, size=size, modified_ns=modified_ns)


def some_facts(*, duration_s: float = 40.0, recorded_at: datetime | None = None) -> Facts:
    return Facts(
        duration_s=duration_s,
        start_time_s=1.4,
        width=1280,
        height=720,
        variable_rate=True,
        container="mp4",
        codec="h264",
        recorded_at=recorded_at,
        recorded_from="unknown" if recorded_at is None else "metadata",
    )


def a_vector(seed: int) -> NDArray[np.float32]:
    """Of length 1 and exact in float16: one coordinate, plus or minus."""
    vector_D = np.zeros(DIMENSION, dtype=np.float32)
    vector_D[seed % DIMENSION] = 1 if seed // DIMENSION % 2 == 0 else -1
    return vector_D


def a_clip(number: int, *, seed: int | None = None, length_s: float = 8.0) -> NewClip:
    return NewClip(
        number=number,
        span=Span(4.0 * number, 4.0 * number + length_s),
        vector_D=a_vector(number if seed is None else seed),
        key_s=4.0 * number + 3,
        thumbnail=b"picture %d" % number,
        caption=f"clip {number}",
    )


def a_line(start_s: float, text: str) -> Line:
    return Line(span=Span(start_s, start_s + 2), text=text)


def entered(store: Store, name: str = "door", *, archive: str = "home", **facts: float) -> Video:
    return store.enter(
        archive, f"sha256:{name}", a_location(f"/films/{name}.mp4"), some_facts(**facts)
    )


def claimed(store: Store, video: Video, holder: str = "me", lease_s: float = 60.0) -> Claim:
    claim = store.claim(video.id, holder, lease_s)
    assert isinstance(claim, Claim)
    return claim


def a_generation(store: Store, model: str = "nano@sha256:1") -> Generation:
    return store.generation(model, "8s/4s", DIMENSION)


def indexed(store: Store, name: str = "door", *, clips: int = 3) -> Video:
    """A finished video of that many clips in the first generation."""
    video, generation = entered(store, name), a_generation(store)
    claim = claimed(store, video)
    store.add_clips(claim, generation.id, [a_clip(number) for number in range(clips)])
    store.finish(claim, generation.id)
    return store.video(video.id)
