"""``vidqa probe``, ``plan``, ``models`` and ``doctor``: what is there, before anything is asked.

None of them loads a model; none imports torch, except ``doctor``, which reports on it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from vidqa.cli import options
from vidqa.cli.errors import FAILED, FOUND, exits
from vidqa.cli.streams import show
from vidqa.cli.table import columns
from vidqa.effort import Effort

ReadOption = Annotated[
    bool, typer.Option("--read", help="Read the frames too, and list the time of each.")
]


@exits
def probe_file(
    file: options.FileArg,
    json_: options.JsonOption = False,
    reader: options.ReaderOption = None,
) -> int:
    """Show what a video or image file really holds.

    Frames are counted, times are measured, and the size is the one displayed, after rotation.
    """
    from vidqa.video import describe, is_still, media  # late: the decoder's libraries

    decoding = media(options.chosen_reader(reader))
    if is_still(file):
        facts = decoding.probe_still(file).to_dict()
    else:
        facts = describe(decoding.study(file)).to_dict()
    _show(facts, [_row(name, value) for name, value in facts.items()], json_)
    return FOUND


@exits
def plan_file(
    file: options.FileArg,
    start: options.StartOption = None,
    end: options.EndOption = None,
    read: ReadOption = False,
    json_: options.JsonOption = False,
    model: options.ModelOption = None,
    sampling: options.SamplingOption = "clock",
    reader: options.ReaderOption = None,
    threads: options.ThreadsOption = None,
    budget_frames: options.FramesOption = None,
    budget_tokens: options.TokensOption = None,
    thorough: options.ThoroughOption = False,
    budget_passes: options.PassesOption = None,
    precision: options.PrecisionOption = None,
) -> int:
    """Show what would be sampled, at what cost.

    Nothing is asked of a model: this is the plan of one pass, or of the search that a long video
    gets, stage by stage, with the precision in seconds and about how long it takes.
    """
    from vidqa.cli.planning import plan_report, plan_rows  # late: decoder, settings

    report = plan_report(
        file,
        start_s=options.parse_edge(start),
        end_s=options.parse_edge(end),
        mode=options.sampling_mode(sampling),
        read=read,
        effort=Effort(thorough=thorough, passes=budget_passes, precision_s=precision),
        model=model,
        reader=reader,
        threads=threads,
        budget_frames=budget_frames,
        budget_tokens=budget_tokens,
    )
    _show(report, plan_rows(report), json_)
    return FOUND


@exits
def models(json_: options.JsonOption = False, model: options.ModelOption = None) -> int:
    """Show a model's card, and list known families.

    The card is that of the built-in model, or of the one named with --model. A family is a set of
    checkpoints whose prompts and replies are known.
    """
    from vidqa.checkpoints import BUILT_IN  # late: only this command of the two needs it
    from vidqa.cli.card_text import card_lines
    from vidqa.cli.cards import model_cards

    cards = model_cards(BUILT_IN if model is None else model)
    _show({"models": cards}, [(line,) for line in card_lines(cards)], json_)
    return FOUND


@exits
def doctor(json_: options.JsonOption = False) -> int:
    """Check what is installed and what is missing."""
    from vidqa.cli.checkup import examine  # late: imports torch

    checks = examine()
    rows = [(check.state, check.name, check.finding) for check in checks]
    _show({"checks": [check.to_dict() for check in checks]}, rows, json_)
    return FAILED if any(check.state == "FAIL" for check in checks) else FOUND


def _show(value: object, rows: Sequence[tuple[str, ...]], as_json: bool) -> None:
    show(json.dumps(value, indent=2) if as_json else "\n".join(columns(rows)))


def _row(name: str, value: object) -> tuple[str, str]:
    """A fact for people: the unit moves from its name to its value."""
    label, unit = name, ""
    for ending, unit_after in (("_s", " s"), ("_deg", " degrees")):
        if name.endswith(ending):
            label, unit = name.removesuffix(ending), unit_after
    return label.replace("_", " "), _text(value, unit)


def _text(value: object, unit: str) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.3f}{unit}" if isinstance(value, float) else f"{value}{unit}"
