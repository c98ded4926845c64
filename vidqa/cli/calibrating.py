"""``vidqa calibrate``: labelled questions in; probabilities that mean something from then on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidqa.cli import options
from vidqa.cli.errors import FOUND, exits
from vidqa.cli.progress import show_progress
from vidqa.cli.streams import show
from vidqa.cli.table import columns
from vidqa.errors import ModelError

if TYPE_CHECKING:  # imports numpy
    from vidqa.calibration import Calibration

LabelsArg = Annotated[
    Path, typer.Argument(metavar="LABELLED.jsonl", help="A line each: video, query, spans.")
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write here, not into the checkpoint's folder."),
]


@exits
def calibrate_model(
    labels: LabelsArg,
    out: OutOption = None,
    budget_passes: options.PassesOption = None,
    json_: options.JsonOption = False,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    dtype: options.DtypeOption = None,
    progress: options.ProgressOption = "auto",
) -> int:
    """Learn from labelled questions how probable this checkpoint's answers are.

    Asks every question, and keeps the map from what is known of an answer to the share that was
    right as calibration.json in the checkpoint's folder. Each line of the file is like
    {"video": "a.mp4", "query": "person opens door", "spans": [[7.1, 10.5]]}; no spans mean that it
    does not happen.
    """
    from vidqa.calibration import CALIBRATION_FILE  # late: numpy, and then torch
    from vidqa.checkpoints import find_checkpoint
    from vidqa.effort import Effort
    from vidqa.pipeline.calibrate import calibrate
    from vidqa.pipeline.labelled import read_labelled
    from vidqa.settings import load_settings

    labelled = read_labelled(labels)
    with show_progress(progress) as report:
        path = out or find_checkpoint(load_settings(model=model).model).folder / CALIBRATION_FILE
        _check_writable(path)
        # What is there may be of other weights, and is about to be replaced.
        session = options.open_session(
            report, "clock", model=model, device=device, dtype=dtype, calibrated=False
        )
        found = calibrate(labelled, session.context, effort=Effort(passes=budget_passes))
        _write(path, found.to_json())
        report.say(f"wrote {path}")
    show(json.dumps(json.loads(found.to_json()), indent=2) if json_ else "\n".join(_lines(found)))
    return FOUND


def _lines(found: Calibration) -> list[str]:
    head = ("answers by", "count", "right", "found from", "ECE before", "ECE after")
    rows = [
        (
            name.replace("_", " "),
            str(curve.count),
            f"{curve.right / curve.count:.0%}",
            f"{curve.found_from:.0%}",
            f"{curve.ece_before:.3f}",
            f"{curve.ece:.3f}",
        )
        for name, curve in found.routes.items()
    ]
    note = "ECE: expected calibration error; after: on answers left out of the fit."
    return [*columns([head, *rows]), note]


def _check_writable(path: Path) -> None:
    """Raise before an hour of questions, not after it."""
    if not path.parent.is_dir():
        raise _unwritable(path, f"there is no folder {path.parent}")
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise _unwritable(path, "Permission denied")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise _unwritable(path, str(err.strerror)) from err


def _unwritable(path: Path, why: str) -> ModelError:
    return ModelError(
        f"{path} cannot be written: {why}",
        code="calibration_unwritable",
        next_step="Name another place with --out, and copy the file beside the weights.",
    )
