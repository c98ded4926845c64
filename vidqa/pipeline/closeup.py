"""Close looks at windows of one video, each made once for all questions while memory lasts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import partial

from vidqa.effort import Effort
from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.look import Look, look_at
from vidqa.pipeline.planning import Sampling
from vidqa.pipeline.tail import Tail
from vidqa.reach import Reach
from vidqa.sampling import Budget
from vidqa.timeline import Span
from vidqa.video import KnownFile

KEPT_BYTES = 128 << 20
"""Frames and vision tokens of looks kept for the next question; the last one stays whatever its
size."""
PRECISION_S = 1.0
"""Distance of rows in a close look where nobody asks for another."""


@dataclass(slots=True, kw_only=True)
class Closeups:
    """The close looks of one call."""

    source: KnownFile
    ctx: Context
    clock: StageClock
    effort: Effort
    window: Span
    """Nothing outside it is looked at."""
    tail: Tail = field(init=False)
    """Where the file stops decoding, by all looks so far, those of a skim included."""
    _kept: OrderedDict[tuple[float, float], Look] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.tail = Tail(self.source.reader.info.unreadable_from_s)

    @property
    def precision_s(self) -> float:
        """The precision wanted."""
        return self.effort.precision_s or PRECISION_S

    @property
    def budget(self) -> Budget:
        """Of one look: the rate that the precision needs, frames for a window at that rate."""
        return close_budget(self.ctx.sampling, self.ctx.engine.profile.reach, self.precision_s)

    def at(self, span: Span) -> Look:
        """The look at ``span``: at the full rate where it is no longer than a window.

        Raises :class:`Unreadable` where nothing of it decodes but another look was made.
        """
        span = span.clamp(self.window)
        key = (round(span.start_s, 6), round(span.end_s, 6))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key].again
        look = self.tail.look(span.start_s, partial(self._look, span))
        self._kept[key] = look
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return look

    def _look(self, span: Span) -> Look:
        return look_at(
            self.source.path,
            self.ctx,
            self.clock.quiet(),
            start_s=span.start_s,
            end_s=span.end_s,
            source=self.source,
            budget=self.budget,
        )


def close_budget(sampling: Sampling, reach: Reach, precision_s: float) -> Budget:
    """Of one close look: the rate that the precision needs, frames for a window at that rate."""
    per_row = sampling.grid.temporal
    fps = reach.fps_for(precision_s, per_row)
    frames = max(per_row, int(reach.window_s * fps) // per_row * per_row)
    near = sampling.budget.limited(frames=frames, video_tokens=reach.look_tokens)
    return replace(near, fps=fps)


def _bytes(look: Look) -> int:
    tokens = look.watched.tokens_MD
    return look.frames.bytes_held + tokens.nelement() * tokens.element_size()
