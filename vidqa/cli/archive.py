"""``vidqa archive``: what is indexed, whether it is sound, and how to be rid of it. No torch but to
reindex."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli import options
from vidqa.cli.errors import FAILED, FOUND, NOT_FOUND, exits
from vidqa.cli.indexing import index
from vidqa.cli.scope import DbOption, scoped
from vidqa.cli.streams import show
from vidqa.cli.table import columns
from vidqa.errors import ExportError, SettingsError

if TYPE_CHECKING:  # they import numpy and the database's library
    from vidqa.archive.records import Video
    from vidqa.cache import RowStore
    from vidqa.pipeline.retrieval.archive import Archive
    from vidqa.pipeline.retrieval.care import Removed

app = typer.Typer(
    name="archive",
    help="What is indexed, and what becomes of it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
NamesArg = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="VIDEO...", help="Paths, ends of paths, digests or ids.", show_default=False
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask; needed without a terminal.")]
StateOption = Annotated[
    str | None, typer.Option("--state", metavar="STATE", help="ready, indexing or failed.")
]
_STATES = ("ready", "indexing", "failed")


@app.command("ls")
@exits
@scoped
def ls(
    where: Any,
    state: StateOption = None,
    db: DbOption = None,
    json_: options.JsonOption = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="A video a line.")] = False,
) -> int:
    """List the videos that are indexed, and those that could not be. Exit code 1 for none."""
    from dataclasses import replace

    from vidqa.pipeline.retrieval.searcher import ref_of

    if state is not None:
        if state not in _STATES:
            raise SettingsError(
                f"no video is {state!r}",
                code="state_unknown",
                next_step=f"Choose one of {', '.join(_STATES)}.",
            )
        where = replace(where, states=(state,))
    with _opened(db) as archive:
        videos = list(archive.videos(where))
        told = [
            {"number": v.id, **ref_of(v).to_dict(), "state": v.state, "reason": v.reason}
            for v in videos
        ]
    if json_:
        show(json.dumps(told, indent=2, ensure_ascii=False))
    elif jsonl:
        for each in told:
            show(json.dumps(each, ensure_ascii=False))
    else:
        show(
            "\n".join(
                columns(
                    [("id", "state", "length", "recorded", "archive", "video"), *map(_row, videos)]
                )
            )
        )
    return FOUND if videos else NOT_FOUND


@app.command("stats")
@exits
def stats(db: DbOption = None, json_: options.JsonOption = False) -> int:
    """Show how much is indexed, by which models, and how far."""
    with _opened(db) as archive:
        numbers = archive.stats()
        generations = [
            {
                "id": each.id,
                "model": each.model,
                "recipe": each.recipe,
                "dimension": each.dimension,
                "state": each.state,
                "vectors": numbers.vectors.get(each.id, 0),
                "videos_done": done.videos_done,
                "videos": done.videos,
            }
            for each in archive.store.generations()
            for done in (archive.store.progress(each.id),)
        ]
        told = {
            "database": archive.store.address,
            "videos": dict(numbers.videos),
            "duration": round(numbers.duration_s, 3),
            "clips": numbers.clips,
            "lines": numbers.lines,
            "bytes": numbers.size,
            "generations": generations,
        }
    if json_:
        show(json.dumps(told, indent=2))
        return FOUND
    states = ", ".join(f"{count} {name}" for name, count in numbers.videos.items()) or "none"
    rows = [
        ("database", str(told["database"])),
        ("videos", states),
        ("length", f"{numbers.duration_s / 3600:.2f} h"),
        ("clips", str(numbers.clips)),
        ("lines of subtitles", str(numbers.lines)),
        ("size", f"{numbers.size / 1e6:.1f} MB"),
    ]
    rows += [
        (
            f"vectors {each['id']}",
            (
                f"{each['vectors']} of {str(each['model'])[:40]}, {each['state']}, "
                f"{each['videos_done']} of {each['videos']} videos"
            ),
        )
        for each in generations
    ]
    show("\n".join(columns(rows)))
    return FOUND


@app.command("verify")
@exits
def verify(db: DbOption = None, json_: options.JsonOption = False) -> int:
    """Read the whole archive: is it sound, and are the videos still there?

    Exit codes: 0 all is well, 1 files are gone or changed, 2 the database or the index is damaged.
    """
    from vidqa.pipeline.retrieval.care import check

    with _opened(db) as archive:
        told = check(archive)
    if json_:
        show(json.dumps(told.to_dict(), indent=2))
    else:
        lines = [f"database: {each.text} [{each.code}]" for each in told.database]
        lines += [f"index: {each}" for each in told.index]
        lines += [f"gone: {each}" for each in told.gone]
        lines += [f"changed since it was indexed: {each}" for each in told.changed]
        lines += [f"note: {each}" for each in told.notes]
        sound = "sound" if told.sound else "damaged"
        lines.append(f"{told.videos} videos, {told.clips} clips that can be found: {sound}")
        show("\n".join(lines))
    if not told.sound:
        return FAILED
    return NOT_FOUND if told.gone or told.changed else FOUND


@app.command("rm")
@exits
@scoped
def rm(
    where: Any,
    names: NamesArg = None,
    yes: YesOption = False,
    db: DbOption = None,
    json_: options.JsonOption = False,
) -> int:
    """Delete videos from the archive: all that was learnt of them. The files themselves stay.

    Name them, or say which by the options; both together name those among them. On a terminal it
    asks first; without one it wants --yes. Exit code 1 where no video matches.
    """
    from vidqa.archive.filing import EVERYTHING
    from vidqa.pipeline.retrieval.care import remove

    if not names and where == EVERYTHING:
        raise SettingsError(
            "nothing says which videos to delete",
            code="nothing_named",
            next_step="Name videos, or say which: --path '*/monday/*'; --path '*' for all.",
        )
    with _opened(db) as archive:
        videos = _chosen(archive, names or [], where)
        if not videos:
            show("[]" if json_ else "no video matches")
            return NOT_FOUND
        _confirm(videos, yes=yes)
        told = []
        for each in remove(archive, videos, _features()):
            told.append(each)
            if not json_:
                show(_of_removed(each))
    if json_:
        show(json.dumps([each.to_dict() for each in told], indent=2))
    return FAILED if any(each.left for each in told) else FOUND


@app.command("reindex")
def reindex(
    db: DbOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Go without videos that cannot be read.")
    ] = False,
    allow_url: Annotated[
        list[str] | None,
        typer.Option("--allow-url", metavar="PREFIX", help="Fetch URLs below this one."),
    ] = None,
    json_: options.JsonOption = False,
    jsonl: options.JsonLineOption = False,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    dtype: options.DtypeOption = None,
    weights: options.WeightsOption = None,
    threads: options.ThreadsOption = None,
    progress: options.ProgressOption = "auto",
) -> None:
    """Embed all videos anew with this model; searches use the old vectors until it is done.

    The same as vidqa index --reindex. Cut short, it goes on where it was.
    """
    index(
        reindex=True,
        force=force,
        db=db,
        allow_url=allow_url,
        json_=json_,
        jsonl=jsonl,
        model=model,
        device=device,
        dtype=dtype,
        weights=weights,
        threads=threads,
        progress=progress,
    )


@app.command("export")
@exits
@scoped
def export(
    where: Any,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write here, not to stdout."),
    ] = None,
    vectors: Annotated[
        Path | None,
        typer.Option("--vectors", metavar="NPY", help="Write the clips' vectors here as well."),
    ] = None,
    overwrite: options.OverwriteOption = False,
    db: DbOption = None,
) -> int:
    """Write videos and their clips as lines of JSON; vectors as a NumPy file, in that order."""
    from vidqa.pipeline.retrieval.care import export as write
    from vidqa.pipeline.retrieval.care import export_vectors

    for path in (output, vectors):
        if path is not None and path.exists() and not overwrite:
            raise ExportError(
                f"{path} is already there",
                code="output_exists",
                next_step="Give -y to replace it, or another name.",
            )
    with _opened(db) as archive:
        with _output(output) as out:
            videos, clips = write(archive, archive.videos(where), out)
        if vectors is not None:
            export_vectors(archive, archive.videos(where), vectors)
    print(f"vidqa: wrote {videos} videos and {clips} clips", file=sys.stderr)
    return FOUND if videos else NOT_FOUND


@contextmanager
def _opened(db: str | None) -> Iterator[Archive]:
    from vidqa.pipeline.retrieval.archive import Archive  # late: numpy, the database's library
    from vidqa.settings import load_settings

    with Archive(load_settings(archive_url=db).archive_place) as archive:
        yield archive


@contextmanager
def _output(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8") as file:
            yield file
    except OSError as err:
        raise ExportError(
            f"{path} cannot be written: {err.strerror}",
            code="output_unwritable",
            next_step="Choose a place that you may write to.",
        ) from err


def _features() -> RowStore:
    from vidqa.cache import CacheFolder, RowStore
    from vidqa.settings import load_settings

    settings = load_settings()
    return RowStore(CacheFolder(settings.cache_folder, settings.cache_bytes))


def _chosen(archive: Archive, names: list[str], where: Any) -> list[Video]:
    matching = {video.id: video for video in archive.videos(where)}
    if not names:
        return list(matching.values())
    named = {video.id: video for video in map(archive.video, names)}
    return [video for key, video in named.items() if key in matching]


def _confirm(videos: list[Video], *, yes: bool) -> None:
    """Raises :class:`SettingsError` unless it is wanted for certain."""
    if yes:
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        for video in videos[:10]:
            name = video.locations[0].url if video.locations else video.digest
            typer.echo(f"  {name}", err=True)
        if len(videos) > 10:
            typer.echo(f"  and {len(videos) - 10} more", err=True)
        if typer.confirm(f"Delete {len(videos)} from the archive?", err=True):
            return
    raise SettingsError(
        f"{len(videos)} videos would be deleted from the archive, and nobody confirmed it",
        code="not_confirmed",
        next_step="Add --yes.",
    )


def _of_removed(each: Removed) -> str:
    gone = each.deleted
    left = ", ".join(f"{count} rows of {name}" for name, count in each.left.items())
    later = "" if gone.overwritten else "; its bytes stay in the database's file while it is read"
    return (
        f"deleted {each.name}: {gone.clips} clips, {gone.vectors} vectors, {gone.lines} lines, "
        f"{each.features} files of vision tokens; left of it: {left or 'nothing'}{later}"
    )


def _row(video: Video) -> tuple[str, ...]:
    facts = video.facts
    length = "" if facts is None else f"{facts.duration_s:.1f} s"
    recorded = ""
    if facts is not None and facts.recorded_at is not None:
        recorded = facts.recorded_at.isoformat(sep=" ", timespec="seconds")
    name = video.locations[0].url if video.locations else video.digest
    return str(video.id), video.state, length, recorded, video.archive, name
