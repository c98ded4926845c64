"""Stdout for results, stderr for everything else, whatever the shell connected them to."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import typer

from vidqa.errors import ExportError


def mend_streams() -> None:
    """Open what the shell closed (``2>&-``); let no character end a run."""
    # A closed stream's number would go to the next file opened, and logs into that file.
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def show(text: str, *, newline: bool = True) -> None:
    """Print a result, or with ``newline=False`` a piece of one, on stdout.

    Raises :class:`ExportError` when it cannot be written, ``BrokenPipeError`` when the reader left.
    """
    try:
        typer.echo(text, nl=newline)
    except BrokenPipeError:
        raise
    except OSError as err:
        drop_stdout()
        raise ExportError(
            f"stdout cannot be written: {err.strerror}",
            code="output_unwritable",
            next_step="Make room where stdout goes, or choose a folder with -o.",
        ) from err


def drop_stdout() -> None:
    """Send what stdout still holds nowhere, so that the flush at exit cannot fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except io.UnsupportedOperation:  # stdout is not a file, as in tests: nothing to flush
        return
    finally:
        os.close(nowhere)
