"""``vidqa bench``: what this machine makes of a model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from vidqa.cli import options
from vidqa.cli.errors import FOUND, exits
from vidqa.cli.streams import show
from vidqa.errors import SettingsError

app = typer.Typer(
    name="bench",
    help="Measure this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def bench() -> None:
    """Measure this machine."""


@app.command("model")
@exits
def bench_model(
    model: options.ModelOption = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A config.json; its weights are made up in memory."),
    ] = None,
    shape: Annotated[
        str | None, typer.Option(help="3b, 7b, 32b or 72b, with made-up weights.")
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(min=1, help="Run so many layers, with made-up weights, and scale the times."),
    ] = None,
    device: options.DeviceOption = None,
    dtype: options.DtypeOption = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of the video.")] = 32,
    size: Annotated[
        str, typer.Option(metavar="HxW", help="Height and width of a frame.")
    ] = "112x112",
    prompt: Annotated[int, typer.Option(min=1, help="Tokens of text in the question.")] = 200,
    tokens: Annotated[int, typer.Option(min=1, help="New tokens.")] = 16,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each stage is measured.")] = 5,
    json_: options.JsonOption = False,
) -> int:
    """Measure what a model costs here, stage by stage, against this machine's limits.

    A stage's limit is the time its counted FLOPs or bytes take at the rates measured for a large
    matrix product and a large copy, whichever is longer.
    """
    height, width = parse_size(size)
    from vidqa import bench as measuring  # late: torch

    subject = measuring.find_subject(
        model=model, config=config, shape=shape, layers=layers, device=device, dtype=dtype
    )
    work = measuring.Work(
        frames=frames, height=height, width=width, prompt=prompt, tokens=tokens, rounds=rounds
    )
    report = measuring.bench_model(subject, work)
    show(json.dumps(report.to_dict(), indent=2) if json_ else "\n".join(report.lines()))
    return FOUND


def parse_size(text: str) -> tuple[int, int]:
    """Height and width of ``224x448``; raises SettingsError."""
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text.strip().lower())
    if match is None:
        raise SettingsError(
            f"{text!r} is no frame size",
            code="size_unreadable",
            next_step="Write height and width in pixels: --size 224x448.",
        )
    return int(match[1]), int(match[2])
