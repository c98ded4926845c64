"""The ``vidqa`` command: its commands by name. Cheap to import: no torch, no rich."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from vidqa import __version__
from vidqa.cli import (
    answers,
    archive,
    bench,
    cache,
    calibrating,
    indexing,
    inspection,
    jobs,
    keys,
    searching,
    serve,
    worker,
)
from vidqa.cli.asking import AskCommand
from vidqa.cli.errors import FAILED, INTERRUPTED
from vidqa.cli.streams import mend_streams

app = typer.Typer(
    name="vidqa",
    help="Ask hours of video a question and get the second it happened.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help reads the same in a terminal, a pipe and a file
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 found, 1 not found or uncertain, 2 error, 130 interrupted, 141 pipe closed."
    ),
)
app.command("ground")(answers.ground)
app.command("ask", cls=AskCommand)(answers.ask)
app.command("describe")(answers.describe)
app.command("index")(indexing.index)
app.command("search")(searching.search)
app.command("probe")(inspection.probe_file)
app.command("plan")(inspection.plan_file)
app.command("models")(inspection.models)
app.command("calibrate")(calibrating.calibrate_model)
app.command("doctor")(inspection.doctor)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.add_typer(jobs.app)
app.add_typer(keys.app)
app.add_typer(archive.app)
app.add_typer(cache.app)
app.add_typer(bench.app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"vidqa {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Ask hours of video a question and get the second it happened."""


def main() -> None:
    """Entry point of the console script."""
    mend_streams()
    try:
        app(prog_name="vidqa")
    except KeyboardInterrupt:  # before or after a command, which has its own answer to it
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001  a bug: Python would exit with 1, which says "not found"
        traceback.print_exc()
        sys.exit(FAILED)
