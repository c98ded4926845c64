"""An engine that sees: it reads the time off the brightness of the test clip, and answers by it.

A row's tokens hold the true second of its first frame, so that a slice of rows still knows when it
was. What it was told happens is what it finds, as a perfect model would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tests.scripted_engine import ScriptedEngine
from vidqa.chat import Chat, Text
from vidqa.engine import Engine, Reply, Watched
from vidqa.pipeline.context import Context
from vidqa.pipeline.planning import Sampling
from vidqa.profiles import BASE, Profile
from vidqa.reach import Reach
from vidqa.reply import Choice
from vidqa.sampling import Budget, PatchGrid
from vidqa.timeline import Span

GREY_PER_S = 20.0
"""Of the test clip: grey 2 n at frame n, ten frames a second."""
REACH = Reach(
    one_pass_s=3.0, window_s=4.0, fps_min=1.0, skim_fps=2.0, skim_gap_s=0.1, whole=False, rows_min=2
)
"""Windows of four seconds: an eight second clip is a long video."""


@dataclass
class SeeingEngine(ScriptedEngine):
    """Finds ``events`` where they are; ``answer`` is what it says to other questions."""

    text: str = ""
    events: tuple[Span, ...] = ()
    answer: str = "a light"
    looks: int = 0
    on_look: Callable[[int], None] = lambda looks: None
    vectors: list[int] = field(default_factory=list)

    def watch(self, rgb_THWC: NDArray[np.uint8], row_seconds: tuple[float, ...]) -> Watched:
        self.looks += 1
        self.on_look(self.looks)
        watched = super().watch(rgb_THWC, row_seconds)
        seconds_R = rgb_THWC[::2].mean(axis=(1, 2, 3)) / GREY_PER_S
        per_row = watched.token_count // len(row_seconds)
        watched.tokens_MD[:, 0] = watched.tokens_MD.new_tensor(seconds_R.repeat(per_row))
        return watched

    def seen(self, watched: Watched) -> Span:
        """What a watched window shows, read off its tokens."""
        times = watched.run.row_seconds
        start_s = round(float(watched.tokens_MD[0, 0]), 1)
        row_s = times[1] - times[0] if len(times) > 1 else 1.0
        return Span(start_s, start_s + times[-1] + row_s)

    def inside(self, watched: Watched) -> list[Span]:
        seen = self.seen(watched)
        return [event.clamp(seen) for event in self.events if event.overlaps(seen)]

    def choose(self, chat: Chat, watched: Watched, answers: Sequence[str]) -> Choice:
        super().choose(chat, watched, answers)
        sure = (0.9, 0.1) if self.inside(watched) else (0.1, 0.9)
        return Choice(probabilities=sure)

    def choose_each(
        self, chat: Chat, windows: Sequence[Watched], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        return np.array([self.choose(chat, window, answers).probabilities for window in windows])

    def embed(self, chat: Chat, windows: Sequence[Watched]) -> NDArray[np.float32]:
        self.vectors.append(len(windows))
        found = [[1.0, 0.0] if self.inside(window) else [0.0, 1.0] for window in windows]
        return np.array(found, dtype=np.float32)

    def embed_texts(self, chats: Sequence[Chat]) -> NDArray[np.float32]:
        return np.array([[1.0, 0.0]] * len(chats), dtype=np.float32)

    def reply(self, chat: Chat, watched: Watched, **how: object) -> Reply:  # type: ignore[override]
        words = next(item.text for item in chat.turns[-1].content if isinstance(item, Text))
        self.text = self._said(words, watched)
        return super().reply(chat, watched, **how)  # type: ignore[arg-type]

    def _said(self, words: str, watched: Watched) -> str:
        if not isinstance(watched, Watched):
            return "a light turns on"
        start_s = self.seen(watched).start_s
        spans = [span.shift(-start_s) for span in self.inside(watched)]
        times = ", ".join(f"{s.start_s:.1f} - {s.end_s:.1f}" for s in spans)
        if words == self.profile.describe:
            lines = [f"{s.start_s:.1f} - {s.end_s:.1f} seconds, light turns on." for s in spans]
            return "\n".join(lines) or "Nothing happens."
        if words.startswith("Give the query"):
            none = "The given query does not happen in the video."
            return f"The given query happens in {times} seconds." if spans else none
        return f"{self.answer}, in {times} seconds." if spans else "I cannot tell."


def seeing(
    *events: tuple[float, float], reach: Reach = REACH, profile: Profile = BASE, frames: int = 768
) -> tuple[Context, SeeingEngine]:
    """A context whose engine finds these events, and that engine."""
    engine = SeeingEngine(
        events=tuple(Span(*each) for each in events),
        profile=replace(profile, reach=reach, embed_state="normed"),
    )
    budget = Budget(frames=frames, row_tokens_max=16)
    how = Sampling(budget=budget, grid=PatchGrid())
    return Context(engine=cast("Engine", engine), sampling=how), engine
