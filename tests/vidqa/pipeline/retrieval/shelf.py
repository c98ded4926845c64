"""An archive of made-up clips whose likeness to a query is chosen, and an embedder for it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.ingest_kills import StubEmbedder
from vidqa.archive.records import Claim, Facts, Line, Location, NewClip, Video
from vidqa.archive.store import Store
from vidqa.pipeline.retrieval.searcher import Searcher
from vidqa.pipeline.retrieval.serving import Serving
from vidqa.timeline import Span

DIMENSION = 32
MODEL = "stub@sha256:0"


def like(cosine: float, other: int) -> NDArray[np.float32]:
    """A vector with this cosine to every query; those of different ``other`` share nothing else."""
    vector_D = np.zeros(DIMENSION, dtype=np.float32)
    vector_D[0] = cosine
    vector_D[1 + other % (DIMENSION - 1)] = np.sqrt(1 - cosine**2)
    return vector_D


def picture(grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 24), (grey, grey, grey)).save(file, "JPEG")
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Sought(StubEmbedder):
    """Every query is the first axis."""

    dimension: int = DIMENSION

    def embed_text(self, text: str) -> NDArray[np.float32]:
        return np.eye(1, DIMENSION, dtype=np.float32)[0]

    def embed_image(self, rgb_HWC: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.eye(1, DIMENSION, dtype=np.float32)[0]


def shelve(
    store: Store,
    name: str,
    cosines: Sequence[float],
    *,
    archive: str = "home",
    digest: str | None = None,
    lines: Mapping[float, str] | None = None,
    tags: Sequence[str] = (),
    grey: int | None = None,
    other: int | None = None,
    model: str = MODEL,
) -> Video:
    """A finished video of one clip to each cosine, every 4 s."""
    generation = store.generation(model, "means", DIMENSION)
    seed = sum(name.encode()) if other is None else other
    facts = Facts(
        duration_s=4.0 * len(cosines) + 4,
        start_time_s=0.0,
        width=64,
        height=48,
        variable_rate=False,
        container="mp4",
        codec="h264",
        recorded_at=None,
        recorded_from="unknown",
    )
    place = Location(url=f"/films/{name}.mp4", size=1, modified_ns=1)
    video = store.enter(archive, digest or f"sha256:{name}", place, facts, tags)
    claim = store.claim(video.id, "me", 60.0)
    assert isinstance(claim, Claim)
    clips = [
        NewClip(
            number=n,
            span=Span(4.0 * n, 4.0 * n + 8),
            vector_D=like(cosine, seed + n if other is None else other),
            key_s=4.0 * n + 4,
            thumbnail=picture((37 * seed + 50 * n) % 256 if grey is None else grey),
        )
        for n, cosine in enumerate(cosines)
    ]
    store.add_clips(claim, generation.id, clips)
    if lines:
        told = [Line(span=Span(at_s, at_s + 2), text=text) for at_s, text in lines.items()]
        store.add_lines(claim, told)
    store.finish(claim, generation.id)
    return store.video(video.id)


def searcher_of(store: Store) -> Searcher:
    return Searcher(store, Serving(store, store.address))
