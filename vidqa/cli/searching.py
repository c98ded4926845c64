"""``vidqa search``: words, a picture or a clip in; where the archive shows the like of it out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli import options
from vidqa.cli.errors import FOUND, INTERRUPTED, NOT_FOUND, exits
from vidqa.cli.halting import halting
from vidqa.cli.progress import show_progress
from vidqa.cli.scope import AllowOption, DbOption, scoped
from vidqa.effort import Effort, Halt
from vidqa.errors import SettingsError

if TYPE_CHECKING:  # they import numpy and the database's library
    from vidqa.pipeline.retrieval.archive import Archive
    from vidqa.pipeline.retrieval.queries import Query
    from vidqa.pipeline.retrieval.searcher import SearchOptions
    from vidqa.search_results import SearchResult

TextArg = Annotated[
    str | None,
    typer.Argument(
        metavar="QUERY", help="What is seen or said, in a few words.", show_default=False
    ),
]
ImageOption = Annotated[
    Path | None,
    typer.Option("--image", metavar="FILE", help="Like this picture, in place of words."),
]
LikeOption = Annotated[
    str | None,
    typer.Option(
        "--like", metavar="VIDEO@TIME", help="More like a clip: camera.mp4@83.5, or its id."
    ),
]
LimitOption = Annotated[int, typer.Option("-n", "--limit", min=1, help="Hits on a page.")]
OffsetOption = Annotated[int, typer.Option("--offset", min=0, help="Hits to pass over.")]
TokenOption = Annotated[
    str | None, typer.Option("--page-token", metavar="TOKEN", help="Go on where a page ended.")
]
ScoreOption = Annotated[
    float | None,
    typer.Option("--min-score", metavar="X", help="Least likeness, unless subtitles say it."),
]
GroupOption = Annotated[
    str | None, typer.Option("--group-by", metavar="video", help="One hit to a video, its best.")
]
PoolOption = Annotated[
    int | None, typer.Option("--pool", min=1, help="Clips that are ranked (300).")
]
NoFoldOption = Annotated[
    bool, typer.Option("--no-fold", help="Show copies of the same footage as hits of their own.")
]
VerifyOption = Annotated[
    bool, typer.Option("--verify", help="Look at the frames of every hit shown: does it happen?")
]
RefineOption = Annotated[
    bool, typer.Option("--refine", help="Find the second inside every hit shown.")
]
SheetOption = Annotated[
    Path | None, typer.Option("--sheet", metavar="PNG", help="Draw the hits' pictures on a sheet.")
]
ClipOption = Annotated[bool, typer.Option("--clip", help="Cut every hit out (needs ffmpeg).")]
ThumbnailsOption = Annotated[
    Path | None, typer.Option("--thumbnails", metavar="DIR", help="Write the hits' pictures here.")
]


@exits
@scoped
def search(
    where: Any,  # a Filter; typer evaluates what stands here
    text: TextArg = None,
    image: ImageOption = None,
    like: LikeOption = None,
    limit: LimitOption = 10,
    offset: OffsetOption = 0,
    page_token: TokenOption = None,
    min_score: ScoreOption = None,
    group_by: GroupOption = None,
    pool: PoolOption = None,
    no_fold: NoFoldOption = False,
    verify: VerifyOption = False,
    refine: RefineOption = False,
    deadline: options.DeadlineOption = None,
    db: DbOption = None,
    allow_url: AllowOption = None,
    json_: options.JsonOption = False,
    jsonl: options.JsonLineOption = False,
    format_: options.FormatOption = None,
    output_dir: options.FolderOption = None,
    sheet: SheetOption = None,
    clip: ClipOption = False,
    thumbnails: ThumbnailsOption = None,
    overwrite: options.OverwriteOption = False,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    dtype: options.DtypeOption = None,
    weights: options.WeightsOption = None,
    threads: options.ThreadsOption = None,
    no_cache: options.NoCacheOption = False,
    progress: options.ProgressOption = "auto",
) -> int:
    """Find what is seen or said in the videos that were indexed.

    The nearest clips are hits, however far they are: --min-score and --verify say which to believe.
    Exit codes: 0 found, 1 nothing, or every hit shown was denied, 2 error, 130 interrupted.
    """
    from vidqa.archive.remote import Remote  # late: numpy, the decoder, the database's library
    from vidqa.cli.hit_outputs import HitOutputs, with_thumbnails, write_found
    from vidqa.cli.outputs import Outputs
    from vidqa.pipeline.retrieval.alike import ALIKE
    from vidqa.pipeline.retrieval.queries import Like
    from vidqa.pipeline.retrieval.searcher import POOL, SearchOptions
    from vidqa.session_archive import query_of

    query = query_of(text, image, like)
    how = SearchOptions(
        where=where,
        limit=limit,
        offset=offset,
        page_token=page_token,
        min_score=min_score,
        by_video=_by_video(group_by),
        alike=2.0 if no_fold else ALIKE,
        pool=pool or POOL,
    )
    outputs = Outputs(
        formats=options.chosen_formats(format_, json_=json_, jsonl=jsonl),
        folder=output_dir,
        sheet=sheet,
        clip=clip,
        overwrite=overwrite,
        reader=options.chosen_reader(None),
    )
    writing = HitOutputs(outputs=outputs, thumbnails=thumbnails)
    writing.check()
    halt = Halt()
    effort = Effort(deadline_s=deadline, halt=halt)
    with show_progress(progress) as report, halting(halt):
        if isinstance(query, Like) and not (verify or refine):
            archive, found = _without_model(query, how, db)
        else:
            session = options.open_session(
                report,
                "clock",
                model=model,
                device=device,
                dtype=dtype,
                weights=weights,
                threads=threads,
                cache=False if no_cache else None,
                archive_url=db,
            )
            archive = session.archive
            found = session.search(
                text,
                image=image,
                like=like,
                verify=verify,
                refine=refine,
                effort=effort,
                remote=Remote(allowed=tuple(allow_url or ())),
                options=how,
            )
    found = with_thumbnails(found, archive, thumbnails)
    with show_progress(progress) as report:
        write_found(found, archive, writing, report)
    archive.close()
    if found.ended_early == "interrupted":
        return INTERRUPTED
    return NOT_FOUND if found.outcome == "not_found" else FOUND


def _without_model(
    query: Query, how: SearchOptions, db: str | None
) -> tuple[Archive, SearchResult]:
    """More like a clip: its vector is there already, and no model has to be loaded."""
    from vidqa.pipeline.retrieval.archive import Archive
    from vidqa.settings import load_settings

    archive = Archive(load_settings(archive_url=db).archive_place)
    return archive, archive.search(query, None, how)


def _by_video(group_by: str | None) -> bool:
    if group_by not in (None, "video"):
        raise SettingsError(
            f"hits cannot be grouped by {group_by!r}",
            code="group_unknown",
            next_step="Write --group-by video, or leave it out.",
        )
    return group_by == "video"
