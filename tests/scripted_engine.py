"""An engine that says what it is told, so that pipelines can be tested to the last number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from qwen25vl import Constraint
from qwen25vl import Sampling as Draw
from vidqa.calibration import Calibration
from vidqa.chat import Chat, Text
from vidqa.engine import Engine, Reply, Watched
from vidqa.pipeline.context import Context, Progress, no_progress
from vidqa.pipeline.planning import Sampling
from vidqa.profiles import BASE, Profile
from vidqa.reply import UNSAID, Choice, OnText, unheard
from vidqa.sampling import Budget, PatchGrid, SamplingMode


@dataclass
class ScriptedEngine:
    """Replies with ``text``, its characters as tokens of probability e^-0.5; keeps what it saw."""

    text: str
    profile: Profile = BASE
    identity: str = "scripted@sha256:0"
    cut_short: bool = False
    frames_seen: list[NDArray[np.uint8]] = field(default_factory=list)
    rows_seen: list[tuple[float, ...]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    grammars: list[str] = field(default_factory=list)
    held_to: list[object] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    told: list[dict[str, object]] = field(default_factory=list)
    """Sampling, stop strings, limit and system prompt of every reply."""
    familiar: object | None = None
    calibration: Calibration | None = None
    knows: bool | None = None
    """Whether it says that it is familiar with what it watches."""
    chances: tuple[float, ...] = (0.75, 0.25)

    def watch(self, rgb_THWC: NDArray[np.uint8], row_seconds: tuple[float, ...]) -> Watched:
        import torch

        from qwen25vl import Grid, VisionRun

        self.frames_seen.append(rgb_THWC)
        self.rows_seen.append(row_seconds)
        grid = Grid(len(rgb_THWC) // 2, rgb_THWC.shape[1] // 14, rgb_THWC.shape[2] // 14)
        tokens = torch.zeros(grid.patches // 4, 8)
        return Watched(tokens_MD=tokens, run=VisionRun(grid, row_seconds))

    def is_familiar(self, watched: Watched) -> bool | None:
        return self.knows

    def choose(self, chat: Chat, watched: Watched, answers: Sequence[str]) -> Choice:
        self.asked.extend(item.text for item in chat.turns[-1].content if isinstance(item, Text))
        self.asked.extend(answers)
        return Choice(probabilities=self.chances)

    def watch_image(self, rgb_HWC: NDArray[np.uint8]) -> Watched:
        return replace(self.watch(np.stack([rgb_HWC] * 2), (0.0,)), kind="image")

    def replies(
        self, chats: Sequence[Chat], watched: Watched, *, until: Callable[[], bool], **how: object
    ) -> list[Reply]:
        """As the engine where chats share nothing: one by one."""
        return [
            UNSAID if until() else self.reply(chat, watched, **how)  # type: ignore[arg-type]
            for chat in chats
        ]

    def constraint(self, grammar: str) -> Constraint:
        self.grammars.append(grammar)
        return cast("Constraint", grammar)

    def reply(
        self,
        chat: Chat,
        watched: Watched,
        *,
        max_new_tokens: int,
        sampling: Draw | None = None,
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
        on_text: OnText = unheard,
    ) -> Reply:
        self.held_to.append(constraint)
        self.chats.append(chat)
        system = next(item.text for item in chat.turns[0].content if isinstance(item, Text))
        given = {"sampling": sampling, "stop": stop, "limit": max_new_tokens, "system": system}
        self.told.append(given)
        for char in self.text:
            on_text(char)
        words = [item.text for item in chat.turns[-1].content if isinstance(item, Text)]
        self.asked.extend(words)
        return Reply(
            text=self.text,
            pieces=tuple(self.text),
            logprobs=(-0.5,) * len(self.text),
            cut_short=self.cut_short,
        )


def context_saying(
    text: str,
    *,
    budget: Budget | None = None,
    progress: Progress = no_progress,
    cut_short: bool = False,
    mode: SamplingMode = "clock",
) -> tuple[Context, ScriptedEngine]:
    """A context whose engine replies ``text``, and that engine."""
    engine = ScriptedEngine(text, cut_short=cut_short)
    sampling = Sampling(budget=budget or Budget(row_tokens_max=16), grid=PatchGrid(), mode=mode)
    return Context(engine=cast("Engine", engine), sampling=sampling, progress=progress), engine
