"""The options that several commands share, spelled once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli.progress import Report
from vidqa.effort import Effort, Halt
from vidqa.errors import SettingsError
from vidqa.profiles import Profile
from vidqa.provenance import unfamiliar_note
from vidqa.results import Result
from vidqa.timeline import parse_time

if TYPE_CHECKING:  # they import numpy and torch
    from vidqa.sampling import SamplingMode
    from vidqa.session import Session

FileArg = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A video file; to ask, probe and plan an image too.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option("-m", "--model", metavar="NAME|DIR", help="nano, a folder, or OWNER/NAME."),
]
DeviceOption = Annotated[str | None, typer.Option(help="auto, cpu or cuda.")]
DtypeOption = Annotated[str | None, typer.Option(help="auto, float32 or bfloat16.")]
WeightsOption = Annotated[
    str | None, typer.Option(help="stored, int8 (a byte per weight), or fp8 on CUDA.")
]
StartOption = Annotated[
    str | None,
    typer.Option("--start", "-ss", metavar="TIME", help="Look from here (83.5, 1:23.5, 1:02:03)."),
]
EndOption = Annotated[
    str | None, typer.Option("--end", "-to", metavar="TIME", help="Look up to here, exclusive.")
]
SamplingOption = Annotated[
    str,
    typer.Option(
        "--sampling",
        help="clock: frames at even times; qwen: the frames that qwen-vl-utils would take.",
    ),
]
ReaderOption = Annotated[
    str | None,
    typer.Option(
        help="pyav; isolated, for files of strangers; decord, for parity on constant-rate MP4."
    ),
]
ThreadsOption = Annotated[
    int | None, typer.Option(help="Parts of the timeline decoded at the same time.")
]
FramesOption = Annotated[
    int | None, typer.Option("--budget-frames", help="Most frames in one pass (768).")
]
TokensOption = Annotated[
    int | None, typer.Option("--budget-tokens", help="Most video tokens in one pass (24576).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
JsonLineOption = Annotated[bool, typer.Option("--jsonl", help="The same JSON on one line.")]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "-f",
        "--format",
        metavar="FORMAT[,FORMAT]",
        help="txt, json, jsonl, srt, vtt, csv, edl, chapters, or several with commas.",
    ),
]
FolderOption = Annotated[
    Path | None,
    typer.Option("-o", "--output-dir", metavar="DIR", help="Write files here, not to stdout."),
]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="Hold the reply to the model's own format of times (ground)."),
]
SheetOption = Annotated[
    Path | None,
    typer.Option(
        "--sheet", metavar="PNG", help="Draw frames in and around the answer (.jpg, .webp too)."
    ),
]
ClipOption = Annotated[bool, typer.Option("--clip", help="Cut every moment out (needs ffmpeg).")]
ThoroughOption = Annotated[
    bool,
    typer.Option("--thorough", help="Look at everything at full rate, window by window (ground)."),
]
PassesOption = Annotated[
    int | None,
    typer.Option("--budget-passes", min=1, help="Most passes over a long video, beside its skim."),
]
PrecisionOption = Annotated[
    float | None,
    typer.Option("--precision", metavar="S", help="Seconds that are precise enough (1; ground)."),
]
DeadlineOption = Annotated[
    float | None,
    typer.Option("--deadline", metavar="S", help="Give what is known after so many seconds."),
]
OverwriteOption = Annotated[
    bool, typer.Option("-y", "--overwrite", help="Replace files that are already there.")
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Keep nothing of the video, and use nothing kept.")
]
ProgressOption = Annotated[
    str, typer.Option("--progress", help="auto, bar, plain, jsonl or none; on stderr.")
]

SAMPLING_MODES: tuple[SamplingMode, ...] = ("clock", "qwen")


def parse_edge(text: str | None) -> float | None:
    """Seconds of ``--start`` or ``--end``; ``None`` where the option was not given."""
    return None if text is None else parse_time(text)


def check_strict(strict: bool, *, possible: bool) -> None:
    """Raises :class:`SettingsError` for an answer in free words that shall be held to a format."""
    if strict and not possible:
        raise SettingsError(
            "--strict holds replies to a format of times, and an answer has none",
            code="strict_without_format",
            next_step="Leave it out, or use vidqa ground.",
        )


def effort_of(
    halt: Halt,
    *,
    thorough: bool,
    passes: int | None,
    precision_s: float | None,
    deadline_s: float | None,
    grounds: bool,
) -> Effort:
    """The bounds on a search; raises :class:`PlanError` for those that only ``ground`` has."""
    effort = Effort(
        thorough=thorough,
        passes=passes,
        precision_s=precision_s,
        deadline_s=deadline_s,
        halt=halt,
    )
    if not grounds:
        effort.check_unsought()  # before a model is loaded for it
    return effort


def sampling_mode(name: str) -> SamplingMode:
    """The name itself when it is a mode; raises :class:`SettingsError` when it is not."""
    for mode in SAMPLING_MODES:
        if mode == name:
            return mode
    raise SettingsError(
        f"there is no sampling mode {name!r}",
        code="sampling_unknown",
        next_step=f"Choose one of {', '.join(SAMPLING_MODES)}.",
    )


def chosen_formats(format_: str | None, *, json_: bool, jsonl: bool) -> tuple[str, ...]:
    """The formats named on the command line; a table (``txt``) when none is."""
    named = [name.strip() for name in (format_ or "").split(",") if name.strip()]
    named += ["json"] * json_ + ["jsonl"] * jsonl
    return tuple(dict.fromkeys(named)) or ("txt",)


def chosen_reader(given: str | None) -> str:
    """The reader named on the command line, or else by the settings."""
    from vidqa.settings import load_settings  # late: pydantic

    return load_settings(reader=given).reader


def open_session(report: Report, mode: SamplingMode, **given: Any) -> Session:
    """A session for one command; says on stderr what its checkpoint wants said of any footage."""
    # Imported here: torch takes seconds, and `vidqa --help` must not wait for it.
    from vidqa.session import open_session as load

    session = load(sampling=mode, progress=report.step, **given)
    engine = session.context.engine
    if engine.profile.notice and engine.familiar is None:
        report.say(engine.profile.notice)
    return session


def warn(report: Report, results: Sequence[Result], profile: Profile) -> None:
    """Say once on stderr that answers are about footage which the checkpoint does not know."""
    told = results[0].provenance  # all are about the same look
    if told.familiar is False:
        note = unfamiliar_note(told.model, told.video.kind)
        report.say(f"{note} {profile.notice}".rstrip())
