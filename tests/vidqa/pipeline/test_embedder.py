"""nano in the archive: a whole ingest, and its vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vidqa
from tests.vidqa.pipeline.some_videos import StubEmbedder
from vidqa.archive.store import open_store
from vidqa.errors import ArchiveError
from vidqa.pipeline.embedder import EngineEmbedder
from vidqa.pipeline.ingest_options import IngestOptions
from vidqa.prompts import embed_video_prompt
from vidqa.session import Session
from vidqa.video import read_frames

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Session:
    place = tmp_path_factory.mktemp("data")
    return vidqa.open(model="nano", device="cpu", cache=False, archive_dir=place)


def test_nano_indexes_its_examples_and_its_vectors_are_those_of_each_clip_alone(
    nano: Session,
) -> None:
    report = nano.index(EXAMPLES, options=IngestOptions(tags=("example",)))
    assert (report.counts(), report.serving) == ({"indexed": 3}, True)
    assert nano.archive_place is not None
    engine = nano.context.engine
    with open_store(nano.archive_place) as store:
        generation = store.serving()
        assert generation is not None
        assert (generation.model, generation.centred) == (engine.identity, False)
        video = next(v for v in store.videos() if v.locations[0].url.endswith("door.mp4"))
        clips = store.clips_of(video.id, generation.id)
        ids = np.array([clip.id for clip in clips])
        vectors_ND = store.source(generation.id).vectors_of(ids)
    by_id = dict(zip(vectors_ND.ids_N.tolist(), vectors_ND.vectors_ND, strict=True))
    chat = embed_video_prompt(engine.profile)
    for clip in clips:
        seconds = np.arange(clip.span.start_s, clip.span.end_s, 0.5)
        frames = read_frames(EXAMPLES / "door.mp4", seconds, (56, 56)).rgb_THWC
        rows = tuple(float(k) for k in range(len(frames) // 2))
        alone_D = engine.embed(chat, [engine.watch(frames, rows)])[0]
        assert by_id[clip.id] @ alone_D == pytest.approx(1, abs=1e-3)


def test_texts_and_pictures_have_vectors_of_the_same_kind(nano: Session) -> None:
    embedder = EngineEmbedder(nano.context)
    text_D = embedder.embed_text("person opens door")
    image_D = embedder.embed_image(np.full((100, 160, 3), 90, dtype=np.uint8))
    for vector_D in (text_D, image_D):
        assert vector_D.shape == (embedder.dimension,)
        assert np.linalg.norm(vector_D) == pytest.approx(1, abs=1e-5)


def test_a_clip_with_an_odd_frame_ends_in_a_row_of_that_frame_twice(nano: Session) -> None:
    embedder = EngineEmbedder(nano.context)
    rgb = np.random.default_rng(0).integers(0, 255, (5, 56, 56, 3), dtype=np.uint8)
    even = np.concatenate([rgb, rgb[-1:]])
    odd_D, even_D = embedder.embed_clips(rgb, [(0, 5)])[0], embedder.embed_clips(even, [(0, 6)])[0]
    np.testing.assert_array_equal(odd_D, even_D)


def test_another_embedder_may_stand_in_for_the_model(nano: Session, tmp_path: Path) -> None:
    report = nano.index(str(EXAMPLES / "car.mp4"), db=tmp_path / "own.db", embedder=StubEmbedder())
    assert report.counts() == {"indexed": 1}
    with open_store(tmp_path / "own.db") as store:
        generation = store.serving()
        assert generation is not None
        assert (generation.model, generation.dimension) == ("stub@sha256:0", 8)


def test_a_session_without_settings_must_be_told_the_archive(nano: Session) -> None:
    with pytest.raises(ArchiveError, match="there is no archive"):
        Session(nano.context).index(EXAMPLES)
