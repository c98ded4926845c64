"""What may be sought: words, a picture, or more like a clip. A query in, vectors out.

Axes: Q queries, D dimension.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.records import Clip, Filter, Generation, Video
from vidqa.archive.store import Store
from vidqa.errors import ArchiveError, QueryError, TimeError
from vidqa.pipeline.embedder import Embedder
from vidqa.prompts import require_words
from vidqa.search_results import QueryKind
from vidqa.timeline import Span, parse_time

Vector = NDArray[np.float32]
_NEAR_S = 1e-3


@dataclass(frozen=True, slots=True)
class Words:
    """What is seen or said, in a few words; ``more`` are further wordings of the same."""

    text: str
    more: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file that shows what is sought."""

    path: Path
    reader: str = "pyav"
    """How it is decoded, see :func:`vidqa.video.media`."""


@dataclass(frozen=True, slots=True)
class Like:
    """More like a clip: its id, or the clip that is on at a second of a video, which is named by a
    path, the end of one, or a digest (``CAMERA.mp4@83.5``)."""

    text: str


Query = Words | Picture | Like


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A query, ready to be searched by."""

    kind: QueryKind
    told: str
    """The query for a person."""
    vectors_QD: Vector
    """Of length 1, not centred."""
    words: str = ""
    """To be looked for in subtitles, and to be verified."""
    own: Clip | None = None
    """The clip whose likes are sought: no hit itself."""
    key: str
    """Tells this query from others."""


def sought(query: Query, store: Store, serving: Generation, embedder: Embedder | None) -> Sought:
    """The query's vectors, in the space of the generation that serves.

    Raises :class:`QueryError` for a query that names nothing, :class:`ArchiveError` where the
    embedder's model is another than the archive's, :class:`vidqa.errors.VideoError` for a picture
    that cannot be read.
    """
    if isinstance(query, Like):
        return _of_clip(query, store, serving)
    if isinstance(query, Words):
        require_words(query.text)
    able = _able(embedder, store, serving)
    if isinstance(query, Picture):
        return _of_picture(query, able)
    texts = list(dict.fromkeys([query.text, *(t for t in query.more if t.strip())]))
    return Sought(
        kind="text",
        told=query.text,
        vectors_QD=np.stack([able.embed_text(text) for text in texts]),
        words=query.text,
        key="\n".join(texts),
    )


def _able(embedder: Embedder | None, store: Store, serving: Generation) -> Embedder:
    """The embedder, if its vectors may be compared with those that serve."""
    if embedder is None:
        raise QueryError(
            "words and pictures need a model to search by, and none is loaded",
            code="query_needs_model",
            next_step="Open a session with the archive's model, or search by --like.",
        )
    if (embedder.name, embedder.recipe, embedder.dimension) == (
        serving.model,
        serving.recipe,
        serving.dimension,
    ):
        return embedder
    name = serving.model.partition("@")[0]
    if embedder.name == serving.model:
        raise ArchiveError(
            f"the archive's vectors were made another way ({serving.recipe}) than this version of "
            f"vidqa makes them ({embedder.recipe})",
            code="recipe_mismatch",
            next_step="Bring them up to date: vidqa archive reindex.",
        )
    raise ArchiveError(
        f"the archive is searched by vectors of {_short(serving.model)}, and this is "
        f"{_short(embedder.name)}{_building(embedder, store)}",
        code="model_mismatch",
        next_step=f"Use --model {name}, or bring the archive to this model: vidqa archive reindex.",
    )


def _building(embedder: Embedder, store: Store) -> str:
    """How far the vectors of this model are, where there are some."""
    for each in store.generations():
        if (each.model, each.recipe) == (embedder.name, embedder.recipe):
            done = store.progress(each.id)
            return f", whose own vectors cover {done.videos_done} of {done.videos} videos"
    return ""


def _short(model: str) -> str:
    name, at, digest = model.partition("@")
    return f"{name}{at}{digest[:19]}"


def _of_picture(query: Picture, embedder: Embedder) -> Sought:
    from vidqa.video import media  # late, as all that decodes

    still = media(query.reader).read_still(query.path)
    vector_D = embedder.embed_image(still.rgb_HWC)
    digest = hashlib.sha256(still.rgb_HWC.tobytes()).hexdigest()
    return Sought(kind="image", told=str(query.path), vectors_QD=vector_D[None], key=digest)


def _of_clip(query: Like, store: Store, serving: Generation) -> Sought:
    clip = _clip(query.text, store, serving)
    source = store.source(serving.id)
    # As they are kept: the searcher centres all queries alike.
    block = source.uncentred([clip.id])
    if not len(block.ids_N):
        raise _no_clip(query.text)
    video = store.video(clip.video_id)
    name = video.locations[0].url if video.locations else video.digest
    told = f"{name}@{clip.span.start_s:g}-{clip.span.end_s:g}"
    return Sought(
        kind="clip", told=told, vectors_QD=block.vectors_ND, own=clip, key=f"clip {clip.id}"
    )


def _clip(text: str, store: Store, serving: Generation) -> Clip:
    name, at, second = text.rpartition("@")
    if not at:
        found = store.clips([int(text)]) if text.strip().isdecimal() else []
        if not found:
            raise _no_clip(text)
        return found[0]
    try:
        at_s = parse_time(second)
    except TimeError as err:
        raise QueryError(
            f"{text!r} does not name a clip: {second!r} is no time",
            code="like_unreadable",
            next_step="Write VIDEO@SECONDS (camera.mp4@83.5, camera.mp4@1:23) or a clip's id.",
        ) from err
    video = video_named(name, store)
    near = store.clips_within(video.id, serving.id, Span(max(0.0, at_s), max(0.0, at_s) + _NEAR_S))
    if not near:
        raise QueryError(
            f"{name} has no clip at {at_s:g} s",
            code="like_outside",
            next_step="Name a second of the video that is indexed: vidqa archive ls.",
        )
    return min(near, key=lambda clip: abs(clip.span.middle_s - at_s))


def video_named(name: str, store: Store) -> Video:
    """The video of a path, of the end of a path, of a digest or the head of one, or of an id.

    Raises :class:`QueryError` where none is, or several are.
    """
    found = _named(name, store)
    if len(found) == 1:
        return found[0]
    if not found:
        raise QueryError(
            f"the archive holds no video {name!r}",
            code="video_not_indexed",
            next_step="Index it first (vidqa index), or see what is there: vidqa archive ls.",
        )
    places = ", ".join(v.locations[0].url if v.locations else v.digest for v in found[:3])
    raise QueryError(
        f"{name!r} may be any of {len(found)} videos: {places}",
        code="video_ambiguous",
        next_step="Give the whole path, or the digest.",
    )


def _named(name: str, store: Store) -> list[Video]:
    if name.startswith("sha256:"):
        every, after = [], 0
        while page := store.videos(after=after, limit=500):
            every += [video for video in page if video.digest.startswith(name)]
            after = page[-1].id
        return every
    whole = name if "://" in name else os.path.abspath(name)  # noqa: PTH100  (as ingest does)
    for pattern in (glob.escape(whole), f"*/{glob.escape(name)}"):
        if found := store.videos(Filter(path=pattern), limit=10):
            return found
    if name.isdecimal():
        return list(store.several([int(name)]).values())
    return []


def _no_clip(text: str) -> QueryError:
    return QueryError(
        f"the archive holds no clip {text!r}",
        code="clip_unknown",
        next_step="Write VIDEO@SECONDS (camera.mp4@83.5), or a clip's id from a search's JSON.",
    )
