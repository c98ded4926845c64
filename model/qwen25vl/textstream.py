"""Tokens to text as they come: whole characters only, and nothing of a stop string."""

from __future__ import annotations

from collections.abc import Sequence

from qwen25vl.errors import PromptError
from qwen25vl.tokenizer import Tokenizer

_UNFINISHED = "\ufffd"


class TextStream:
    """Feed ids, show what comes back; stop generating once ``stopped`` is true.

    The text ends before the stop string that is complete first, wherever its tokens part.
    Raises PromptError for an empty stop string.
    """

    def __init__(self, tokenizer: Tokenizer, stop_strings: Sequence[str] = ()) -> None:
        if not all(stop_strings):
            message = f"stop strings are {list(stop_strings)}"
            raise PromptError(message, next_step="leave out the empty one")
        self._tokenizer, self._stops = tokenizer, tuple(stop_strings)
        self._shown_ids: list[int] = []
        self._new_ids: list[int] = []
        self._held = ""
        self.stopped = False

    def feed(self, token: int) -> str:
        """Text that is certain now; empty inside a character or what may become a stop string."""
        self._new_ids.append(token)
        text = self._new_text()
        # The library cannot say that bytes are missing: it shows the replacement character.
        if text.endswith(_UNFINISHED):
            return ""
        self._shown_ids, self._new_ids = self._new_ids, []
        return self._release(text)

    def finish(self) -> str:
        """What was held back; an unfinished character becomes the replacement character."""
        text = self._new_text() if self._new_ids else ""
        self._new_ids = []
        said = self._release(text) + self._held
        self._held = ""
        return said

    def _new_text(self) -> str:
        """Decoded behind the ids before, since some decoders treat the first token differently."""
        before = self._tokenizer.decode(self._shown_ids)
        return self._tokenizer.decode(self._shown_ids + self._new_ids)[len(before) :]

    def _release(self, text: str) -> str:
        if self.stopped:
            return ""
        text = self._held + text
        found = [(text.index(stop) + len(stop), stop) for stop in self._stops if stop in text]
        if found:
            end = min(end for end, _ in found)
            start = min(end - len(stop) for at, stop in found if at == end)
            self.stopped, self._held = True, ""
            return text[:start]
        held = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of ``text`` that begins ``stop``."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
