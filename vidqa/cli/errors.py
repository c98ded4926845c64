"""Errors and interruptions to exit codes: 2 and 130; a command's own return value is its code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

from vidqa.errors import VidqaError

FOUND, NOT_FOUND, FAILED, INTERRUPTED = 0, 1, 2, 130
_Args = ParamSpec("_Args")


def exits(command: Callable[_Args, int]) -> Callable[_Args, None]:
    """Turn a function that returns an exit code, or raises one of our errors, into a command."""

    @functools.wraps(command)
    def run(*args: _Args.args, **kwargs: _Args.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except VidqaError as err:
            typer.echo(f"vidqa: {err}\n  {err.next_step}  [{err.code}]", err=True)
            raise typer.Exit(FAILED) from err
        except KeyboardInterrupt as err:
            typer.echo("vidqa: interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from err
        raise typer.Exit(code)

    return run
