"""``vidqa ground``, ``ask`` and ``describe``: one file, questions or none, answers on stdout."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from vidqa.cli import options
from vidqa.cli.errors import FOUND, INTERRUPTED, NOT_FOUND, exits
from vidqa.cli.halting import halting
from vidqa.cli.manner import Voice, ask_manner, no_manner, speaks
from vidqa.cli.progress import show_progress
from vidqa.cli.questions import ListOption, MoreOption, asked_texts
from vidqa.effort import Effort, Halt
from vidqa.results import Result

if TYPE_CHECKING:  # imports torch
    from vidqa.session import Session


_TEXTS = ("text", "query", "queries")
"""Parameters of a command that say what is asked."""


class Asked(NamedTuple):
    """Everything but the file and what is asked of it."""

    start_s: float | None
    end_s: float | None
    strict: bool
    effort: Effort
    manner: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """What differs between the commands."""

    metavar: str
    """Of the text to answer; empty where there is none."""
    help: str
    doc: str
    answer: Callable[[Session, Path, Sequence[str], Asked], Sequence[Result]]
    """A result for each text, in order; one where there is no text."""
    strict: bool
    """Whether replies have a format that ``--strict`` can hold them to."""
    needs_time: bool
    """Whether an image, which has none, is refused."""
    manner: Callable[..., tuple[dict[str, Any], bool | None]] = no_manner
    """Its parameters are further options of the command; it gives arguments about the reply, and
    whether its words are printed as they come."""


def answer_command(verb: Verb) -> Callable[..., None]:
    """A command that answers texts about one file, or describes it, with every output option."""

    @exits
    def command(
        file: options.FileArg,
        text: str | None = typer.Argument(None, metavar=verb.metavar, help=verb.help),
        query: MoreOption = None,
        queries: ListOption = None,
        start: options.StartOption = None,
        end: options.EndOption = None,
        json_: options.JsonOption = False,
        jsonl: options.JsonLineOption = False,
        format_: options.FormatOption = None,
        output_dir: options.FolderOption = None,
        sheet: options.SheetOption = None,
        clip: options.ClipOption = False,
        strict: options.StrictOption = False,
        thorough: options.ThoroughOption = False,
        budget_passes: options.PassesOption = None,
        precision: options.PrecisionOption = None,
        deadline: options.DeadlineOption = None,
        overwrite: options.OverwriteOption = False,
        model: options.ModelOption = None,
        device: options.DeviceOption = None,
        dtype: options.DtypeOption = None,
        weights: options.WeightsOption = None,
        sampling: options.SamplingOption = "clock",
        reader: options.ReaderOption = None,
        threads: options.ThreadsOption = None,
        no_cache: options.NoCacheOption = False,
        budget_frames: options.FramesOption = None,
        budget_tokens: options.TokensOption = None,
        progress: options.ProgressOption = "auto",
        **more: Any,
    ) -> int:
        from vidqa.cli.outputs import Outputs  # late: numpy
        from vidqa.cli.writing import write_pictures, write_texts  # late: numpy, Pillow
        from vidqa.video import is_still, sniff  # late: the decoder's libraries

        texts = asked_texts(text, query or (), queries) if verb.metavar else []
        outputs = Outputs(
            questions=max(1, len(texts)),
            formats=options.chosen_formats(format_, json_=json_, jsonl=jsonl),
            folder=output_dir,
            sheet=sheet,
            clip=clip,
            overwrite=overwrite,
            reader=options.chosen_reader(reader),
        )
        outputs.check(file)
        options.check_strict(strict, possible=verb.strict)
        start_s, end_s = options.parse_edge(start), options.parse_edge(end)
        mode = options.sampling_mode(sampling)
        halt = Halt()
        effort = options.effort_of(
            halt,
            thorough=thorough,
            passes=budget_passes,
            precision_s=precision,
            deadline_s=deadline,
            grounds=verb.strict,
        )
        voice, spoken = None, False
        with show_progress(progress) as report:
            # A wrong file is told at once, not after a model was loaded for it.
            if not is_still(file):
                sniff(file)
            else:
                asked = Asked(start_s, end_s, strict, effort, {})
                _check_timeless(file, verb, asked, outputs.timed)
            manner, stream = verb.manner(**more)
            if speaks(stream, words_only=outputs.words_only and len(texts) == 1):
                voice = Voice(report.clear)
                manner["on_text"] = voice.hear
            outputs.make_folders()
            session = options.open_session(
                report,
                mode,
                model=model,
                device=device,
                dtype=dtype,
                weights=weights,
                reader=reader,
                threads=threads,
                cache=False if no_cache else None,
                budget_frames=budget_frames,
                budget_tokens=budget_tokens,
            )
            how = Asked(start_s, end_s, strict, effort, manner)
            with halting(halt):
                results = verb.answer(session, file, texts, how)
            spoken = voice is not None and voice.end()
        # Bars are gone by now: they would erase lines of it.
        options.warn(report, results, session.context.engine.profile)
        write_texts(file, results, outputs, report, spoken=spoken)
        with show_progress(progress) as report:
            write_pictures(file, results, outputs, report)
        return exit_code(results)

    command.__doc__ = verb.doc
    return spelled_out(command, verb.manner, without=() if verb.metavar else _TEXTS)


def exit_code(results: Sequence[Result]) -> int:
    """Its own for an interrupted call; else one find is enough, as grep has it with patterns."""
    if any(each.provenance.ended_early == "interrupted" for each in results):
        return INTERRUPTED
    return FOUND if any(each.outcome == "found" for each in results) else NOT_FOUND


def _check_timeless(file: Path, verb: Verb, how: Asked, timed: Sequence[str]) -> None:
    """Raise :class:`VideoError` when something of an image is asked that only a video has."""
    from vidqa.pipeline.planning import no_time  # late: the decoder's libraries

    if verb.needs_time:
        raise no_time(file, "use ask")
    edges = {"--start": how.start_s, "--end": how.end_s}
    asked = [*(name for name, edge in edges.items() if edge is not None), *timed]
    if asked:
        raise no_time(file, f"leave {', '.join(asked)} out")


def spelled_out(
    command: Callable[..., None], more: Callable[..., Any], without: Sequence[str] = ()
) -> Callable[..., None]:
    """``command`` with the parameters of ``more`` where it takes any, for typer to make options.

    Parameters named in ``without`` keep their defaults and are no options.
    """
    own = inspect.signature(command, eval_str=True).parameters.values()
    named = [
        each
        for each in own
        if each.kind is not inspect.Parameter.VAR_KEYWORD and each.name not in without
    ]
    added = inspect.signature(more, eval_str=True).parameters.values()
    setattr(command, "__signature__", inspect.Signature([*named, *added]))  # noqa: B010
    return command


def _ground(session: Session, file: Path, texts: Sequence[str], how: Asked) -> Sequence[Result]:
    return session.ground_many(
        file, texts, start_s=how.start_s, end_s=how.end_s, strict=how.strict, effort=how.effort
    )


def _ask(session: Session, file: Path, texts: Sequence[str], how: Asked) -> Sequence[Result]:
    bounds: dict[str, Any]
    bounds = {"start_s": how.start_s, "end_s": how.end_s, "effort": how.effort}
    if len(texts) == 1:  # one answer alone is told as it is spoken
        return [session.ask(file, texts[0], **bounds, **how.manner)]
    return session.ask_many(file, texts, **bounds, **how.manner)


def _describe(session: Session, file: Path, _: Sequence[str], how: Asked) -> Sequence[Result]:
    return [session.describe(file, start_s=how.start_s, end_s=how.end_s, effort=how.effort)]


ground = answer_command(
    Verb(
        metavar="QUERY",
        help="What happens, in a few words: 'person opens door'.",
        doc="Find when something happens in a video.",
        answer=_ground,
        strict=True,
        needs_time=True,
    )
)
ask = answer_command(
    Verb(
        metavar="QUESTION",
        help="A question about the video or image.",
        doc=(
            "Ask a question about a video or an image.\n\nvidqa ask --archive QUESTION asks all "
            "videos that were indexed; its options: vidqa ask --archive --help."
        ),
        answer=_ask,
        strict=False,
        needs_time=False,
        manner=ask_manner,
    )
)
describe = answer_command(
    Verb(
        metavar="",
        help="",
        doc="List what happens in a video, as chapters.",
        answer=_describe,
        strict=False,
        needs_time=True,
    )
)
