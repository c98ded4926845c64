"""The options that the commands about an archive share, spelled once: which one, which of its
videos count, by which model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli import options
from vidqa.errors import SettingsError
from vidqa.timeline import parse_time

if TYPE_CHECKING:  # it imports numpy and the database's library
    from vidqa.pipeline.retrieval.archive import Archive

NamesOption = Annotated[
    list[str] | None,
    typer.Option("--in", metavar="NAME", help="Only this collection of videos; may be repeated."),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help="Only videos with this tag, and all others given."),
]
PathOption = Annotated[
    str | None,
    typer.Option("--path", metavar="PATTERN", help="Only videos that lie there: '*/monday/*'."),
]
FromOption = Annotated[
    str | None,
    typer.Option("--recorded-from", metavar="DATE", help="Recorded then or later (2026-03-02T10)."),
]
UntilOption = Annotated[
    str | None, typer.Option("--recorded-until", metavar="DATE", help="Recorded before then.")
]
ShortestOption = Annotated[
    str | None, typer.Option("--shortest", metavar="TIME", help="Videos at least so long.")
]
LongestOption = Annotated[
    str | None, typer.Option("--longest", metavar="TIME", help="Videos at most so long.")
]
DbOption = Annotated[
    str | None,
    typer.Option("--db", metavar="FILE|URL", help="The database, in place of the settings' own."),
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option("--allow-url", metavar="PREFIX", help="Fetch URLs below this one; repeatable."),
]


def scope_options(
    in_: NamesOption = None,
    tag: TagsOption = None,
    path: PathOption = None,
    recorded_from: FromOption = None,
    recorded_until: UntilOption = None,
    shortest: ShortestOption = None,
    longest: LongestOption = None,
) -> Any:  # a Filter, whose module imports numpy: typer evaluates what stands here
    """The :class:`Filter` that they say; raises :class:`SettingsError` for a date that is none."""
    from vidqa.archive.records import Filter  # late: numpy

    return Filter(
        archives=tuple(in_ or ()),
        tags=tuple(tag or ()),
        path=path,
        recorded_from=_moment("--recorded-from", recorded_from),
        recorded_until=_moment("--recorded-until", recorded_until),
        shortest_s=None if shortest is None else parse_time(shortest),
        longest_s=None if longest is None else parse_time(longest),
    )


def model_options(
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    dtype: options.DtypeOption = None,
    weights: options.WeightsOption = None,
    threads: options.ThreadsOption = None,
) -> dict[str, Any]:
    """The settings that they are, by name."""
    return {
        "model": model,
        "device": device,
        "dtype": dtype,
        "weights": weights,
        "threads": threads,
    }


def scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command``, whose ``where`` is made of the options of :func:`scope_options`."""
    return _with_options(command, "where", scope_options)


def modelled(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command``, whose ``load`` is made of the options of :func:`model_options`."""
    return _with_options(command, "load", model_options)


def _with_options(
    command: Callable[..., Any], made: str, maker: Callable[..., Any]
) -> Callable[..., Any]:
    """``command`` with the options of ``maker`` in place of its parameter ``made``."""
    added = inspect.signature(maker, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True).parameters.values()

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        return command(**{made: maker(**{name: given.pop(name) for name in added})}, **given)

    kept = [each for each in own if each.name != made]
    setattr(run, "__signature__", inspect.Signature([*kept, *added.values()]))  # noqa: B010
    return run


@contextmanager
def opened(db: str | None) -> Iterator[Archive]:
    """The archive of ``--db``, or of the settings; closed at the end."""
    from vidqa.pipeline.retrieval.archive import Archive  # late: numpy, the database's library
    from vidqa.settings import load_settings

    with Archive(load_settings(archive_url=db).archive_place) as archive:
        yield archive


def _moment(option: str, text: str | None) -> datetime | None:
    """A date, or a date and time, as ISO 8601 writes them."""
    if text is None:
        return None
    for spelled in (text, f"{text}:00"):  # an hour alone: 2026-03-02T10
        with suppress(ValueError):
            return datetime.fromisoformat(spelled.replace("Z", "+00:00"))
    raise SettingsError(
        f"{option} {text!r} is no date",
        code="date_unreadable",
        next_step="Write 2026-03-02, 2026-03-02T10:30, or with a zone: 2026-03-02T10:30+01:00.",
    )
