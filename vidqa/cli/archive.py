"""``vidqa archive``: what is indexed, and whether it is sound. No torch but to reindex."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli import options
from vidqa.cli.archive_changes import compact, rm, tag
from vidqa.cli.errors import FAILED, FOUND, NOT_FOUND, exits
from vidqa.cli.indexing import ForceOption, index
from vidqa.cli.scope import AllowOption, DbOption, modelled, opened, scoped
from vidqa.cli.streams import show
from vidqa.cli.table import columns
from vidqa.errors import ExportError, SettingsError

if TYPE_CHECKING:  # they import numpy and the database's library
    from vidqa.archive.records import Video

app = typer.Typer(
    name="archive",
    help="What is indexed, and what becomes of it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
StateOption = Annotated[
    str | None, typer.Option("--state", metavar="STATE", help="ready, indexing or failed.")
]
_STATES = ("ready", "indexing", "failed")
app.command("rm")(rm)
app.command("tag")(tag)
app.command("compact")(compact)


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

    from vidqa.pipeline.retrieval.ranked import ref_of

    if state is not None:
        if state not in _STATES:
            raise SettingsError(
                f"no video is {state!r}",
                code="state_unknown",
                next_step=f"Choose one of {', '.join(_STATES)}.",
            )
        where = replace(where, states=(state,))
    with opened(db) as archive:
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
    with opened(db) as archive:
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

    with opened(db) as archive:
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


@app.command("reindex")
@modelled
def reindex(
    load: Any,
    db: DbOption = None,
    force: ForceOption = False,
    allow_url: AllowOption = None,
    json_: options.JsonOption = False,
    jsonl: options.JsonLineOption = False,
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
        progress=progress,
        **load,
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
    with opened(db) as archive:
        with _output(output) as out:
            videos, clips = write(archive, archive.videos(where), out)
        if vectors is not None:
            export_vectors(archive, archive.videos(where), vectors)
    print(f"vidqa: wrote {videos} videos and {clips} clips", file=sys.stderr)
    return FOUND if videos else NOT_FOUND


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


def _row(video: Video) -> tuple[str, ...]:
    facts = video.facts
    length = "" if facts is None else f"{facts.duration_s:.1f} s"
    recorded = ""
    if facts is not None and facts.recorded_at is not None:
        recorded = facts.recorded_at.isoformat(sep=" ", timespec="seconds")
    name = video.locations[0].url if video.locations else video.digest
    return str(video.id), video.state, length, recorded, video.archive, name
