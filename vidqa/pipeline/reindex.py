"""All videos of a database embedded anew, by another model or recipe, while the old vectors serve.

The new generation takes over once it has every video that searches can find now.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from vidqa.archive.discover import exists
from vidqa.archive.records import Filter
from vidqa.archive.store import Store
from vidqa.effort import Halt
from vidqa.pipeline.embedder import Embedder
from vidqa.pipeline.ingest import generation_of, ingest
from vidqa.pipeline.ingest_options import IngestOptions
from vidqa.pipeline.ingest_report import IngestReport, Watcher
from vidqa.pipeline.vanished import videos_of

_LIVING = Filter(states=("ready", "indexing"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReindexReport:
    """What came of it."""

    reports: dict[str, IngestReport]
    """By archive."""
    missing: tuple[str, ...]
    """Digests of videos that are found now and could not be embedded anew: their files are gone or
    cannot be read any more."""
    switched: bool
    """Whether the new generation answers searches from now on, or did so before."""
    notes: tuple[str, ...] = ()
    """What is to be known of the archive, or of the footage, all the same."""

    @property
    def interrupted(self) -> bool:
        """Whether it was ended; the same call goes on with it."""
        return any(report.interrupted for report in self.reports.values())

    @property
    def complete(self) -> bool:
        """Whether searches lose nothing by it."""
        return self.switched and not self.missing

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "archives": {name: report.to_dict() for name, report in self.reports.items()},
            "missing": list(self.missing),
            "switched": self.switched,
            "interrupted": self.interrupted,
            "notes": list(self.notes),
        }


def reindex(
    store: Store,
    embedder: Embedder,
    *,
    options: IngestOptions | None = None,
    watcher: Watcher | None = None,
    halt: Halt | None = None,
    force: bool = False,
) -> ReindexReport:
    """Embed every video of the database anew, whatever its archive, and switch over.

    Where some videos cannot be, the old vectors go on serving unless ``force`` says to do without
    those. Cut short, the same call goes on where it was. Raises as :func:`ingest`.
    """
    generation, options = generation_of(store, embedder), options or IngestOptions()
    urls: dict[str, list[str]] = defaultdict(list)
    for video in videos_of(store, _LIVING):
        urls[video.archive] += [place.url for place in video.locations if exists(place)][:1]
    reports = {}
    for archive, places in urls.items():
        how = replace(options, archive=archive, prune=False)
        reports[archive] = ingest(places, store, embedder, options=how, watcher=watcher, halt=halt)
        if reports[archive].interrupted:
            return ReindexReport(reports=reports, missing=(), switched=False)
    missing = tuple(
        video.digest
        for video in videos_of(store, _LIVING)
        if not store.embedded(video.id, generation.id)
    )
    serving = store.serving()
    before = serving is not None and serving.id == generation.id
    switched = before or not missing or force
    if switched and not before:
        store.serve(generation.id)
    return ReindexReport(reports=reports, missing=missing, switched=switched)
