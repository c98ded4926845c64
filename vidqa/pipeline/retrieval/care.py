"""An archive kept: checked, and written out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from vidqa.archive.discover import exists
from vidqa.archive.records import Clip, Finding, Video
from vidqa.archive.remote import is_url
from vidqa.archive.vectors.local import FaissIndex
from vidqa.errors import ArchiveError, ExportError
from vidqa.pipeline.retrieval.archive import Archive
from vidqa.pipeline.retrieval.ranked import ref_of
from vidqa.pipeline.retrieval.serving import Served

_BATCH = 1_000
"""Clips that an index is asked for at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found; nothing of it is repaired but an index, which repairs itself."""

    database: list[Finding]
    index: list[str]
    """What is wrong with the index, or was before it was opened."""
    gone: list[str]
    """Places where no file is any more; their videos can be found, and not be looked at."""
    changed: list[str]
    """Places whose files have another size or time than when they were indexed."""
    videos: int
    clips: int
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every search is answered rightly."""
        return not (self.database or self.index)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {"sound": self.sound, **asdict(self)}


def check(archive: Archive) -> Checked:
    """Read everything of an archive but the videos themselves."""
    database = archive.store.check()
    index: list[str] = []
    notes: list[str] = []
    clips = 0
    if archive.store.serving() is not None:
        with archive.serving.use() as served:
            notes += served.notes
            if isinstance(served.index, FaissIndex):
                notes += served.index.notes
            index = _index_faults(served)
            clips = served.index.count
    gone, changed, videos = [], [], 0
    for video in archive.videos():
        videos += 1
        for place in video.locations:
            if not exists(place):
                gone.append(place.url)
            elif not is_url(place.url):
                status = Path(place.url).stat()
                if (status.st_size, status.st_mtime_ns) != (place.size, place.modified_ns):
                    changed.append(place.url)
    return Checked(
        database=database,
        index=index,
        gone=gone,
        changed=changed,
        videos=videos,
        clips=clips,
        notes=notes,
    )


def export(archive: Archive, videos: Iterator[Video], out: IO[str]) -> tuple[int, int]:
    """Write a line of JSON for each video, followed by one for each of its clips in the serving
    generation; how many of both."""
    serving = archive.store.serving()
    counts = [0, 0]
    for video in videos:
        _write(out, _video_line(video))
        counts[0] += 1
        for clip in archive.store.clips_of(video.id, serving.id) if serving else ():
            _write(out, _clip_line(clip, video))
            counts[1] += 1
    return counts[0], counts[1]


def export_vectors(archive: Archive, videos: Iterator[Video], out: Path) -> int:
    """Write the serving generation's vectors of these videos' clips as ``out``, a float16 ``.npy``
    (N, D) in the order in which :func:`export` writes clips, as they are kept; how many.

    Raises :class:`ExportError` where it cannot be written.
    """
    serving = archive.store.serving()
    if serving is None:
        raise ArchiveError(
            f"{archive.store.address}: nothing is indexed",
            code="archive_empty",
            next_step="Index something first: vidqa index FOLDER.",
        )
    source = archive.store.source(serving.id)
    parts = [np.zeros((0, serving.dimension), dtype=np.float16)]
    for video in videos:
        ids = [clip.id for clip in archive.store.clips_of(video.id, serving.id)]
        block = source.uncentred(ids)
        rows = dict(zip(block.ids_N.tolist(), block.vectors_ND, strict=True))
        if ids:
            parts.append(np.stack([rows[clip_id] for clip_id in ids]).astype(np.float16))
    vectors_ND = np.concatenate(parts)
    try:
        with out.open("wb") as file:
            np.save(file, vectors_ND)
    except OSError as err:
        raise ExportError(
            f"{out} cannot be written: {err.strerror}",
            code="output_unwritable",
            next_step="Choose a place that you may write to.",
        ) from err
    return len(vectors_ND)


def _index_faults(served: Served) -> list[str]:
    """Clips that the index cannot find, or finds although they are gone."""
    faults: list[str] = []
    index, source = served.index, served.source
    if index.count != source.count():
        faults.append(f"the index holds {index.count} vectors, the database {source.count()}")
    missing = 0
    for block in source.blocks():
        for first in range(0, len(block.ids_N), _BATCH):
            ids_N = block.ids_N[first : first + _BATCH]
            found = index.search(block.vectors_ND[first : first + 1], len(ids_N), ids_N)
            missing += len(np.setdiff1d(ids_N, found.ids_QK))
    if missing:
        faults.append(f"the index does not find {missing} clips of the database")
    return faults


def _video_line(video: Video) -> dict[str, object]:
    told = ref_of(video).to_dict()
    return {"type": "video", **told, "state": video.state, "reason": video.reason}


def _clip_line(clip: Clip, video: Video) -> dict[str, object]:
    return {
        "type": "clip",
        "id": clip.id,
        "video": video.digest,
        "archive": video.archive,
        "number": clip.number,
        "start": round(clip.span.start_s, 3),
        "end": round(clip.span.end_s, 3),
        "key": round(clip.key_s, 3),
        "caption": clip.caption,
    }


def _write(out: IO[str], line: dict[str, object]) -> None:
    out.write(json.dumps(line, ensure_ascii=False) + "\n")
