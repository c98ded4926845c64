"""``vidqa ask --archive``: a question to all videos that were indexed, in place of one file."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from vidqa.cli import options
from vidqa.cli.errors import FOUND, INTERRUPTED, NOT_FOUND, exits
from vidqa.cli.halting import halting
from vidqa.cli.progress import show_progress
from vidqa.cli.scope import AllowOption, DbOption, scoped
from vidqa.cli.searching import ClipOption, SheetOption
from vidqa.effort import Effort, Halt
from vidqa.prompts import require_words

FLAG = "--archive"


class AskCommand(TyperCommand):
    """``ask``, which with ``--archive`` is another command: what is asked there is no file, and its
    options are those of a search."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the one or the other."""
        words = args[: args.index("--")] if "--" in args else args
        if FLAG not in words:
            return super().make_context(info_name, args, parent, **extra)
        args.remove(FLAG)
        command = archive_command()
        return command.make_context(f"{info_name} {FLAG}", args, parent, **extra)


def archive_command() -> TyperCommand:
    """``ask --archive`` as a command of its own."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    names = {"help_option_names": ["-h", "--help"]}
    app.command("ask", context_settings=names)(ask_archive)
    command = typer.main.get_command(app)
    if not isinstance(command, TyperCommand):
        raise TypeError(f"one command, not {command}")
    return command


@exits
@scoped
def ask_archive(
    where: Any,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="A question about all that was indexed.")
    ],
    looks: Annotated[
        int | None,
        typer.Option("--looks", min=1, help="Most stretches looked at (8; 24 to count or find)."),
    ] = None,
    deadline: options.DeadlineOption = None,
    db: DbOption = None,
    allow_url: AllowOption = None,
    json_: options.JsonOption = False,
    jsonl: options.JsonLineOption = False,
    format_: options.FormatOption = None,
    output_dir: options.FolderOption = None,
    sheet: SheetOption = None,
    clip: ClipOption = False,
    overwrite: options.OverwriteOption = False,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    dtype: options.DtypeOption = None,
    weights: options.WeightsOption = None,
    threads: options.ThreadsOption = None,
    no_cache: options.NoCacheOption = False,
    progress: options.ProgressOption = "auto",
) -> int:
    """Ask a question about all videos that were indexed; the answer cites what was verified.

    Asked how often, whether or when something happens (in English), it looks at the likeliest
    stretches, finds the seconds, and counts what was confirmed. Any other question is put to the
    model stretch by stretch. Exit codes: 0 found, 1 nothing holds an answer, 2 error, 130
    interrupted.
    """
    from vidqa.archive.remote import Remote  # late: numpy, the decoder, the database's library
    from vidqa.cli.hit_outputs import HitOutputs, write_found
    from vidqa.cli.outputs import Outputs

    require_words(question)
    outputs = Outputs(
        formats=options.chosen_formats(format_, json_=json_, jsonl=jsonl),
        folder=output_dir,
        sheet=sheet,
        clip=clip,
        overwrite=overwrite,
        reader=options.chosen_reader(None),
    )
    writing = HitOutputs(outputs=outputs)
    writing.check()
    halt = Halt()
    with show_progress(progress) as report:
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
        with halting(halt):
            told = session.ask_archive(
                question,
                where=where,
                looks=looks,
                effort=Effort(deadline_s=deadline, halt=halt),
                remote=Remote(allowed=tuple(allow_url or ())),
            )
    with show_progress(progress) as report:
        write_found(told, session.archive, writing, report)
    session.close()
    if told.ended_early == "interrupted":
        return INTERRUPTED
    return FOUND if told.outcome == "found" else NOT_FOUND
