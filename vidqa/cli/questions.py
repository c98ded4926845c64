"""What is asked of one file: as an argument, by ``-q``, or a line each in a file or on stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vidqa.errors import SettingsError
from vidqa.prompts import require_words

MoreOption = Annotated[
    list[str] | None,
    typer.Option("-q", "--query", metavar="TEXT", help="One more; repeatable."),
]
ListOption = Annotated[
    Path | None,
    typer.Option(
        "--queries", metavar="FILE", help="Further ones, one a line; - reads them from stdin."
    ),
]
STDIN = Path("-")


def asked_texts(text: str | None, more: Sequence[str], listed: Path | None) -> list[str]:
    """All that is asked, in the order it is named above; blank lines of a list ask nothing.

    Raises :class:`SettingsError` when nothing is asked, or the list cannot be read, and
    :class:`QueryError` on a blank text that was given as one: now, not after a model was loaded.
    """
    texts = [*([] if text is None else [text]), *more, *(_lines(listed) if listed else ())]
    if not texts:
        raise SettingsError(
            "nothing is asked",
            code="query_missing",
            next_step="Give the words after the file, by -q, or with --queries FILE.",
        )
    return [require_words(each) for each in texts]


def _lines(listed: Path) -> list[str]:
    try:
        data = sys.stdin.buffer.read() if listed == STDIN else listed.read_bytes()
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise SettingsError(
            f"the questions in {listed} cannot be read: {err}",
            code="queries_unreadable",
            next_step="Name a UTF-8 text file with one question a line, or - for stdin.",
        ) from err
    return [line for line in text.splitlines() if line.strip()]
