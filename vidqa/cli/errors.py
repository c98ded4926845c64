"""Errors and interruptions to exit codes: 2 and 130; a command's own return value is its code."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import ParamSpec

import typer

from vidqa.cli.streams import drop_stdout
from vidqa.errors import VidqaError

FOUND, NOT_FOUND, FAILED, INTERRUPTED = 0, 1, 2, 130
READER_LEFT = 141
"""What a shell reports of a program that wrote into a closed pipe (128 + SIGPIPE), grep's too."""
_Args = ParamSpec("_Args")


def exits(command: Callable[_Args, int]) -> Callable[_Args, None]:
    """Turn a function that returns an exit code, or raises one of our errors, into a command."""

    @functools.wraps(command)
    def run(*args: _Args.args, **kwargs: _Args.kwargs) -> None:
        as_json = kwargs.get("progress") == "jsonl"
        try:
            code = command(*args, **kwargs)
        except VidqaError as err:
            typer.echo(_told(err, as_json=as_json), err=True)
            raise typer.Exit(FAILED) from err
        except BrokenPipeError as err:
            drop_stdout()
            raise typer.Exit(READER_LEFT) from err
        except KeyboardInterrupt as err:
            typer.echo('{"note": "interrupted"}' if as_json else "vidqa: interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from err
        raise typer.Exit(code)

    return run


def _told(err: VidqaError, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"error": err.to_dict()})
    return f"vidqa: {err}\n  {err.next_step}  [{err.code}]"
