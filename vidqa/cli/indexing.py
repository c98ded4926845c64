"""``vidqa index``: folders in, an archive that can be searched out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from vidqa.cli import options
from vidqa.cli.errors import FOUND, INTERRUPTED, NOT_FOUND, exits
from vidqa.cli.halting import halting
from vidqa.cli.progress import Report, show_progress
from vidqa.cli.streams import show
from vidqa.effort import Halt
from vidqa.errors import SettingsError

if TYPE_CHECKING:  # they import numpy and the database's library
    from vidqa.pipeline.ingest_report import FileReport, IngestProgress, IngestReport, Watcher
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
DbOption = Annotated[
    str | None,
    typer.Option("--db", metavar="FILE|URL", help="The database, in place of the settings' own."),
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option("--allow-url", metavar="PREFIX", help="Fetch URLs below this one; repeatable."),
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
def index(
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
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    dtype: options.DtypeOption = None,
    weights: options.WeightsOption = None,
    threads: options.ThreadsOption = None,
    progress: options.ProgressOption = "auto",
) -> int:
    """Index videos, so that they can be searched.

    Run it again at any time: what is unchanged is not read, what was cut short goes on where it
    was, what was moved keeps its index. Exit codes: 0 all videos are indexed, 1 some are not (each
    is told with its reason), 2 nothing could be done, 130 interrupted.
    """
    from vidqa.archive.remote import Remote  # late: numpy, the decoder, the database's library
    from vidqa.pipeline.ingest import IngestOptions

    _check(paths or [], reindex=reindex, force=force)
    # Threads of the model's that wait would spin, on the very cores that decode. Before torch.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    halt = Halt()
    with show_progress("none" if progress == "bar" else progress) as report:
        session = options.open_session(
            report,
            "clock",
            model=model,
            device=device,
            dtype=dtype,
            weights=weights,
            threads=threads,
            archive_url=db,
        )
        how = IngestOptions(
            archive=archive,
            tags=tuple(tag or ()),
            remote=Remote(allowed=tuple(allow_url or ())),
            retry=retry,
            prune=prune,
            threads=session.context.sampling.threads,
            reader=session.context.sampling.reader,
        )
        with _watching(progress, report) as watcher, halting(halt):
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
        return
    for name, report in told.reports.items():
        for line in _lines(report):
            yield f"{name}: {line}"
    if told.missing:
        yield f"{len(told.missing)} videos could not be embedded anew: their files are gone"
    if not told.interrupted:
        yield "searches use the new vectors" if told.switched else "the old vectors go on serving"


def _lines(report: IngestReport) -> Iterator[str]:
    counts = [f"{count} {outcome}" for outcome, count in report.counts().items()]
    yield ", ".join(counts) or "no videos"
    if report.video_s:
        length, rate = _clock(report.video_s), f"{report.rate:.3g}"
        yield f"{length} of video in {_clock(report.seconds)}, {rate} times real time"
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


@contextmanager
def _watching(style: str, report: Report) -> Iterator[Watcher]:
    """Tells how it goes on stderr: a bar on a terminal, a line a file elsewhere."""
    from vidqa.pipeline.ingest_report import Watcher  # late: as above

    if style == "jsonl":
        yield Watcher(progress=_jsonl_step, file=_jsonl_file)
    elif style == "bar" or (style == "auto" and sys.stderr.isatty()):
        with _bar(report) as watcher:
            yield watcher
    else:
        teller = _Teller(report, every=style != "none")
        yield Watcher(progress=teller.step, file=teller.file)


class _Teller:
    """Lines: one for each file that is not simply there already."""

    def __init__(self, report: Report, *, every: bool) -> None:
        self._say, self._every = report.say, every
        self._last: IngestProgress | None = None

    def step(self, progress: IngestProgress) -> None:
        self._last = progress

    def file(self, told: FileReport) -> None:
        if told.outcome == "failed":
            self._say(_of_failed(told))
        elif self._every and told.outcome != "unchanged":
            after = f"; {_of_progress(self._last)}" if self._last else ""
            self._say(f"{told.outcome}: {told.url}{after}")
        for note in told.notes:
            self._say(f"{told.url}: {note}")


@contextmanager
def _bar(report: Report) -> Iterator[Watcher]:
    # Imported here: a terminal is there, so a person is, and rich is worth its start-up time.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from vidqa.pipeline.ingest_report import Watcher

    columns = (BarColumn(), TextColumn("{task.percentage:3.0f}% {task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bars:
        task = bars.add_task("", total=1.0)
        teller = _Teller(report, every=False)

        def step(progress: IngestProgress) -> None:
            bars.update(task, completed=progress.fraction, description=_of_progress(progress))

        yield Watcher(progress=step, file=teller.file)


def _of_progress(progress: IngestProgress) -> str:
    parts = [f"{progress.files_done} of {progress.files} files"]
    if progress.video_s:
        parts.append(f"{_clock(progress.video_s)} of video, {progress.rate:.3g} times real time")
    if progress.eta_s is not None and progress.files_done < progress.files:
        parts.append(f"{_clock(progress.eta_s)} left")
    return ", ".join(parts)


def _of_failed(told: FileReport) -> str:
    known = " (as before; --retry tries again)" if told.known else ""
    return f"not indexed{known}: {told.reason}"


def _jsonl_step(progress: IngestProgress) -> None:
    _print(
        {
            "stage": "index",
            "files_done": progress.files_done,
            "files": progress.files,
            "fraction": progress.fraction,
            "video_seconds": progress.video_s,
            "rate": progress.rate,
            "eta_s": progress.eta_s,
        }
    )


def _jsonl_file(told: FileReport) -> None:
    _print({"file": told.to_dict()})


def _print(told: dict[str, object]) -> None:
    print(json.dumps(told), file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, s = divmod(round(seconds), 60)
    h, m = divmod(minutes, 60)
    return f"{h}:{m:02d}:{s:02d}"
