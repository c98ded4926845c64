"""Where the pictures of a damaged file end, as the looks of one call find it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidqa.errors import VideoError
from vidqa.timeline import Span

if TYPE_CHECKING:  # a look needs the decoder's libraries, a tail does not
    from vidqa.pipeline.look import Look


class Unreadable(Exception):  # noqa: N818 (no error: the rest of the file is gone on with)
    """Nothing of a stretch decodes, in a file of which more was seen; never leaves the pipeline."""


@dataclass(slots=True)
class Tail:
    """The tail of a file that does not decode, if there is one; one for all looks of a call."""

    from_s: float | None = None
    """Where it starts; what the measuring of the file told, until a look finds it earlier."""
    looked: bool = False
    """Whether anything could be looked at: where nothing can, that is an error."""

    def look(self, start_s: float, take: Callable[[], Look]) -> Look:
        """The look that ``take`` makes, which begins at ``start_s``.

        Raises :class:`Unreadable` where it lies in the tail whole, once there was another look,
        and :class:`VideoError` where there was none.
        """
        if self.looked and self.hides(start_s):
            raise Unreadable
        try:
            look = take()
        except VideoError as err:
            if err.unreadable_from_s is None or not self.looked:
                raise
            self._begins(err.unreadable_from_s)
            raise Unreadable from err
        self.looked = True
        if look.unreadable_from_s is not None:
            self._begins(look.unreadable_from_s)
        return look

    def hides(self, t_s: float) -> bool:
        """Whether nothing from ``t_s`` on decodes."""
        return self.from_s is not None and self.from_s <= t_s

    def cut(self, span: Span) -> Span:
        """What of ``span`` lies before the tail."""
        return span if self.from_s is None else span.clamp(Span(0.0, self.from_s))

    def _begins(self, t_s: float) -> None:
        self.from_s = t_s if self.from_s is None else min(self.from_s, t_s)
