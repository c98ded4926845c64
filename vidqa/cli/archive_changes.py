"""``vidqa archive rm``, ``tag`` and ``compact``: what an archive knows of its videos, changed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli import options
from vidqa.cli.errors import FAILED, FOUND, NOT_FOUND, exits
from vidqa.cli.scope import DbOption, opened, scoped
from vidqa.cli.streams import show
from vidqa.errors import SettingsError

if TYPE_CHECKING:  # they import numpy and the database's library
    from vidqa.archive.records import Video
    from vidqa.cache import RowStore
    from vidqa.pipeline.retrieval.archive import Archive
    from vidqa.pipeline.retrieval.removing import Removed

NamesArg = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="VIDEO...", help="Paths, ends of paths, digests or ids.", show_default=False
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask; needed without a terminal.")]
AddOption = Annotated[
    list[str] | None, typer.Option("--add", metavar="TAG", help="Give them this tag; repeatable.")
]
TakeOption = Annotated[
    list[str] | None, typer.Option("--remove", metavar="TAG", help="Take it away; repeatable.")
]


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
    from vidqa.pipeline.retrieval.removing import remove

    _check_named(names, where, "delete")
    with opened(db) as archive:
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


@exits
@scoped
def tag(
    where: Any,
    names: NamesArg = None,
    add: AddOption = None,
    remove: TakeOption = None,
    db: DbOption = None,
    json_: options.JsonOption = False,
) -> int:
    """Give videos tags, or take tags away. Name the videos, or say which by the options.

    With --tag only videos that have it already are meant. Exit code 1 where no video matches.
    """
    given, taken = tuple(add or ()), tuple(remove or ())
    if not given and not taken:
        raise SettingsError(
            "nothing says which tags",
            code="no_tags",
            next_step="Give --add TAG, --remove TAG, or both.",
        )
    _check_named(names, where, "tag")
    with opened(db) as archive:
        videos = _chosen(archive, names or [], where)
        for video in videos:
            archive.store.add_tags(video.id, *given)
            archive.store.remove_tags(video.id, *taken)
        after = list(archive.store.several([video.id for video in videos]).values())
    if json_:
        show(json.dumps([{"number": v.id, "digest": v.digest, "tags": v.tags} for v in after]))
    else:
        lines = [f"{_name(video)}: {', '.join(video.tags) or 'no tags'}" for video in after]
        show("\n".join(lines) or "no video matches")
    return FOUND if videos else NOT_FOUND


@exits
def compact(db: DbOption = None, json_: options.JsonOption = False) -> int:
    """Remove vectors that others serve in the place of, and give free room back to the disk.

    Searches go on meanwhile. Until this is done, vectors of before a reindex are kept.
    """
    from vidqa.pipeline.retrieval.removing import compact as give_back

    with opened(db) as archive:
        told = give_back(archive)
    if json_:
        show(json.dumps(told.to_dict(), indent=2))
    else:
        show(
            f"removed {told.vectors} vectors of {len(told.generations)} earlier generations; "
            f"{told.size / 1e6:.1f} MB given back"
        )
    return FOUND


def _check_named(names: list[str] | None, where: Any, what: str) -> None:
    """Raises :class:`SettingsError` where nothing says which videos are meant."""
    from vidqa.archive.filing import EVERYTHING

    if not names and where == EVERYTHING:
        raise SettingsError(
            f"nothing says which videos to {what}",
            code="nothing_named",
            next_step="Name videos, or say which: --path '*/monday/*'; --path '*' for all.",
        )


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
            typer.echo(f"  {_name(video)}", err=True)
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


def _name(video: Video) -> str:
    return video.locations[0].url if video.locations else video.digest
