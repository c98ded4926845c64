"""``vidqa cache``: what is kept of videos asked about before, and the removal of it. No torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from vidqa.cli import options
from vidqa.cli.errors import FAILED, FOUND, exits
from vidqa.cli.streams import show
from vidqa.cli.table import columns

if TYPE_CHECKING:  # they import numpy and pydantic
    from vidqa.cache import CacheFolder
    from vidqa.settings import Settings

app = typer.Typer(
    name="cache",
    help="What is kept of videos asked about before.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("stats")
@exits
def stats(json_: options.JsonOption = False) -> int:
    """Show where the cache lies and how full it is."""
    from vidqa.cache import summary  # late: numpy

    settings = _settings()
    told = {"on": settings.cache, **summary(_folder(settings))}
    rows = [
        (
            "folder",
            f"{told['folder']}{'' if settings.cache else ' (not used: VIDQA_CACHE is off)'}",
        ),
        ("size", f"{_size(told['bytes'])} of {_size(told['budget_bytes'])}"),
        ("files", str(told["files"])),
        ("videos", str(told["videos"])),
        ("rows of frames", str(told["rows"])),
    ]
    show(json.dumps(told, indent=2) if json_ else "\n".join(columns(rows)))
    return FOUND


@app.command("clear")
@exits
def clear(json_: options.JsonOption = False) -> int:
    """Remove everything; the next question about a video looks at it again."""
    gone = _folder(_settings()).clear()
    told = {"files": gone.files, "bytes": gone.size}
    show(json.dumps(told) if json_ else f"removed {gone.files} files, {_size(gone.size)}")
    return FOUND


@app.command("verify")
@exits
def verify(json_: options.JsonOption = False) -> int:
    """Read everything and remove what is damaged; exit code 2 where something was."""
    from vidqa.cache import RowStore  # late: numpy

    checked = [
        {"file": str(entry.path), "wrong": wrong}
        for entry, wrong in RowStore(_folder(_settings())).verify()
    ]
    bad = [each for each in checked if each["wrong"]]
    if json_:
        show(json.dumps({"files": len(checked), "removed": bad}, indent=2))
    else:
        lines = [f"removed {each['file']}: {each['wrong']}" for each in bad]
        show("\n".join([*lines, f"{len(checked)} files read, {len(bad)} damaged"]))
    return FAILED if bad else FOUND


def _settings() -> Settings:
    from vidqa.settings import load_settings  # late: pydantic

    return load_settings()


def _folder(settings: Settings) -> CacheFolder:
    from vidqa.cache import CacheFolder  # late: numpy

    return CacheFolder(settings.cache_folder, settings.cache_bytes)


def _size(size: object) -> str:
    value = float(str(size))
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"
