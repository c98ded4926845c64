"""``vidqa index``: folders in, an archive that can be searched out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli import options
from vidqa.cli.errors import FOUND, INTERRUPTED, NOT_FOUND, exits
from vidqa.cli.halting import halting
from vidqa.cli.index_progress import clock_text, watching
from vidqa.cli.progress import show_progress
from vidqa.cli.scope import AllowOption, DbOption, modelled
from vidqa.cli.streams import show
from vidqa.effort import Halt
from vidqa.errors import SettingsError

if TYPE_CHECKING:  # they import numpy and the database's library
    from vidqa.pipeline.ingest_report import IngestReport
    from vidqa.pipeline.reindex import ReindexReport

PathsArg = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Files, folders, patterns, URLs.", show_default=False),
]
ArchiveOption = Annotated[
    str, typer.Option("--archive", metavar="NAME", help="Collection that the videos go into.")
]
TagOption = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help="Give every video this tag; may be repeated."),
]
RetryOption = Annotated[
    bool, typer.Option("--retry", help="Try unchanged files again that failed before.")
]
PruneOption = Annotated[
    bool, typer.Option("--prune", help="Remove videos whose files are gone from the folders.")
]
ReindexOption = Annotated[
    bool,
    typer.Option("--reindex", help="Embed all videos anew with this model, then search by it."),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="With --reindex: go without videos that cannot be read.")
]


@exits
@modelled
def index(
    load: Any,
    paths: PathsArg = None,
    archive: ArchiveOption = "default",
    tag: TagOption = None,
    db: DbOption = None,
    allow_url: AllowOption = None,
    retry: RetryOption = False,
    prune: PruneOption = False,
    reindex: ReindexOption = False,
    force: ForceOption = False,
    json_: options.JsonOption = False,
    jsonl: options.JsonLineOption = False,
    progress: options.ProgressOption = "auto",
) -> int:
    """Index videos, so that they can be searched.

    Run it again at any time: what is unchanged is not read, what was cut short goes on where it
    was, what was moved keeps its index. Exit codes: 0 all videos are indexed, 1 some are not (each
    is told with its reason), 2 nothing could be done, 130 interrupted.
    """
    from vidqa.archive.remote import Remote  # late: numpy, the decoder, the database's library
    from vidqa.pipeline.ingest_options import IngestOptions

    _check(paths or [], reindex=reindex, force=force)
    # Threads of the model's that wait would spin, on the very cores that decode. Before torch.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    halt = Halt()
    with show_progress("none" if progress == "bar" else progress) as report:
        session = options.open_session(report, "clock", archive_url=db, **load)
        how = IngestOptions(
            archive=archive,
            tags=tuple(tag or ()),
            remote=Remote(allowed=tuple(allow_url or ())),
            retry=retry,
            prune=prune,
            threads=session.context.sampling.threads,
            reader=session.context.sampling.reader,
        )
        with watching(progress, report) as watcher, halting(halt):
            told = (
                session.reindex(options=how, watcher=watcher, halt=halt, force=force)
                if reindex
                else session.index(paths or [], options=how, watcher=watcher, halt=halt)
            )
    if json_ or jsonl:
        show(json.dumps(told.to_dict(), indent=2 if json_ else None))
    else:
        show("\n".join(_summary(told)))
    return _code(told)


def _check(paths: list[str], *, reindex: bool, force: bool) -> None:
    if bool(paths) == reindex:
        raise SettingsError(
            "--reindex is about all videos, and takes no paths"
            if reindex
            else "there is nothing to index",
            code="paths_and_reindex",
            next_step="Give paths to index, or --reindex alone.",
        )
    if force and not reindex:
        raise SettingsError(
            "--force is for --reindex",
            code="force_without_reindex",
            next_step="Leave it out, or add --reindex.",
        )


def _code(told: IngestReport | ReindexReport) -> int:
    if told.interrupted:
        return INTERRUPTED
    return FOUND if told.complete else NOT_FOUND


def _summary(told: IngestReport | ReindexReport) -> Iterator[str]:
    from vidqa.pipeline.ingest_report import IngestReport  # late: as above

    if isinstance(told, IngestReport):
        yield from _lines(told)
        yield from told.notes
        return
    for name, report in told.reports.items():
        for line in _lines(report):
            yield f"{name}: {line}"
    if told.missing:
        yield f"{len(told.missing)} videos could not be embedded anew: their files are gone"
    yield from told.notes
    if not told.interrupted:
        yield "searches use the new vectors" if told.switched else "the old vectors go on serving"


def _lines(report: IngestReport) -> Iterator[str]:
    counts = [f"{count} {outcome}" for outcome, count in report.counts().items()]
    yield ", ".join(counts) or "no videos"
    if report.video_s:
        length, rate = clock_text(report.video_s), f"{report.rate:.3g}"
        yield f"{length} of video in {clock_text(report.seconds)}, {rate} times real time"
    passed = [f"{report.not_videos} other files"] * bool(report.not_videos)
    passed += [f"{report.hidden} hidden"] * bool(report.hidden)
    if passed:
        yield "passed over: " + ", ".join(passed)
    if report.removed:
        yield f"removed: {len(report.removed)} videos whose files are gone"
    if report.gone:
        yield f"gone: {len(report.gone)} files; their index is kept (--prune removes it)"
    if not report.serving:
        yield "searches use another model's vectors: --reindex brings them to this one"
