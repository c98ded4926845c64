"""The options of ``vidqa ask`` that say how the answer is spoken, and the words as they come."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from vidqa.cli.streams import show
from vidqa.errors import SettingsError

SystemOption = Annotated[
    str | None, typer.Option("--system", metavar="TEXT", help="A system prompt of your own.")
]
TemperatureOption = Annotated[
    float, typer.Option("--temperature", min=0, help="Draw the words; 0 takes the likeliest.")
]
TopPOption = Annotated[
    float, typer.Option("--top-p", min=0, max=1, help="Draw from the likeliest up to this sum.")
]
TopKOption = Annotated[
    int, typer.Option("--top-k", min=0, help="Draw from this many; 0 is all of them.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="The same seed, the same answer.")]
MaxTokensOption = Annotated[
    int | None, typer.Option("--max-tokens", min=1, help="Most new tokens of the reply.")
]
StopOption = Annotated[
    list[str] | None, typer.Option("--stop", metavar="TEXT", help="End before this; repeatable.")
]
StreamOption = Annotated[
    bool | None,
    typer.Option("--stream/--no-stream", help="Print words as they come (as on a terminal)."),
]
_UNFINISHED_TAG = re.compile(r"</?[a-z_]*$", re.IGNORECASE)


def ask_manner(
    system: SystemOption = None,
    temperature: TemperatureOption = 0.0,
    top_p: TopPOption = 1.0,
    top_k: TopKOption = 0,
    seed: SeedOption = None,
    max_tokens: MaxTokensOption = None,
    stop: StopOption = None,
    stream: StreamOption = None,
) -> tuple[dict[str, Any], bool | None]:
    """Arguments of ``Session.ask``, and whether words shall come one by one (``None``: as fits).

    Raises :class:`SettingsError` for values that make no sense.
    """
    # Imported here: torch takes seconds, and `vidqa --help` must not wait for it.
    from qwen25vl import PromptError, Sampling

    if "" in (stop or ()):
        raise SettingsError(
            "--stop is empty",
            code="stop_empty",
            next_step="Leave it out, or give the text the answer shall end before.",
        )
    try:
        drawn = Sampling(temperature=temperature, top_p=top_p, top_k=top_k, seed=seed)
    except PromptError as err:
        raise SettingsError(str(err), code="sampling_impossible", next_step=err.next_step) from err
    given = {"system": system, "sampling": drawn, "max_tokens": max_tokens, "stop": stop or ()}
    return given, stream


def no_manner() -> tuple[dict[str, Any], bool | None]:
    """For replies in a format: how they are spoken is not the caller's to say."""
    return {}, False


def speaks(stream: bool | None, *, words_only: bool) -> bool:
    """Whether to print words as they come: when asked, or for a person at a terminal.

    Raises :class:`SettingsError` when asked for where stdout is not words (JSON, files).
    """
    if stream and not words_only:
        raise SettingsError(
            "--stream prints words, and another format was asked for",
            code="stream_without_words",
            next_step="Leave out --stream, or the format and the folder.",
        )
    return words_only and (sys.stdout.isatty() if stream is None else stream)


class Voice:
    """Prints the words of an answer on stdout as they come, each once; no thinking, no tags."""

    def __init__(self, before: Callable[[], None]) -> None:
        """``before`` is called before the first word: bars have to make room."""
        self._before, self._heard, self._said = before, "", ""

    def hear(self, piece: str) -> None:
        """The next piece of the reply."""
        self._heard += piece
        words = answer_so_far(self._heard)
        if not words.startswith(self._said) or words == self._said:
            return
        if not self._said:
            self._before()
        show(words[len(self._said) :], newline=False)
        self._said = words

    def end(self) -> bool:
        """End the line; whether the whole answer was said: a tag may come where none was due."""
        if self._said:
            show("")
        return bool(self._said) and self._said == answer_so_far(self._heard)


def answer_so_far(reply: str) -> str:
    """The words of a reply, perhaps unfinished, that belong to its answer."""
    said = reply.rsplit("</think>", 1)[-1]
    if "<answer>" in said:
        said = said.split("<answer>", 1)[1].split("</answer>", 1)[0]
    elif said.lstrip().startswith("<"):  # a tag that is no answer, or not yet
        return ""
    return _UNFINISHED_TAG.sub("", said).strip()
