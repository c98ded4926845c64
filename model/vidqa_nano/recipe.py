"""Every choice of a training run, frozen, and its course: what is trained when, at what rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vidqa_nano.timing import RULES, TimeRule

HELPING = ("seen", "seconds", "active", "looking", "embed", "told")
"""The losses of stage 2 beside the language model's (:class:`vidqa_nano.losses.Weights`)."""

LAST_SHARE = 0.05
"""Share of its peak at which the rate of stage 1 ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every choice of a run."""

    clips: int = 10_000
    """Drawn training clips."""
    minutes: float = 0.0
    """Time for the whole run, measuring included; 0 counts ``steps`` instead."""
    steps: int = 6000
    """Steps in all, where there is no time."""
    vision_share: float = 0.2
    """Share of the run that is stage 1, the vision tower alone."""
    tokens: int = 3600
    """Decoder tokens of a step, all clips together; more clips go in while they are short."""
    vision_rows: int = 320
    """Pairs of frames of a step of stage 1."""
    questions: int = 8
    """Questions per clip, beside a list of its events and its vector."""
    only_when: bool = False
    """Ask of nothing but when things happen: no other question, no list, no vector."""
    longest: tuple[tuple[float, float], ...] = (
        (0.0, 16.0),
        (0.15, 32.0),
        (0.3, 64.0),
        (0.5, 120.0),
    )
    """(share of stage 2, longest window in seconds from there on)."""
    grey: float = 0.7
    """Share of the clips that lose their colours (:mod:`vidqa_nano.grey`)."""
    embed_every: int = 4
    """Steps between those that draw clips and texts together; 0 never does."""
    tower_until: float = 0.8
    """Share of stage 2 after which the tower stays as it is, which makes a step cheaper."""
    vision_rate: float = 6e-3
    """Peak learning rate of stage 1."""
    rate: float = 4e-3
    """Peak learning rate of stage 2."""
    tower_rate: float = 0.25
    """The tower's rate in stage 2, as a share of the rest's."""
    last_rate: float = 4e-5
    warmup: int = 100
    """Steps at the start of each stage during which the rate rises."""
    decay: float = 0.05
    clip_norm: float = 1.0
    seed: int = 1
    half: bool = True
    """Multiply matrices in bfloat16 (weights and all else stay float32)."""
    time_rule: TimeRule = "reference"
    """How rows tell their time: a network is asked under the rule it was trained under last."""
    rules_in_turn: int = 0
    """So many steps, from the first, take one way to tell time after the other, step by step."""
    without: str = ""
    """One of :data:`HELPING` that does not count in stage 2."""

    def __post_init__(self) -> None:
        if self.time_rule not in RULES:
            raise ValueError(f"time_rule {self.time_rule!r} is none of {', '.join(RULES)}")
        if self.without not in ("", *HELPING):
            raise ValueError(f"without {self.without!r} is none of {', '.join(HELPING)}")

    def progress(self, step: int, elapsed_s: float) -> float:
        """Share of the run that is done, 0 to 1."""
        done = elapsed_s / (60 * self.minutes) if self.minutes else step / self.steps
        return min(done, 1.0)

    def stage(self, progress: float) -> int:
        """1 while the tower is trained alone, 2 after that."""
        return 1 if progress < self.vision_share else 2

    def into_stage_two(self, progress: float) -> float:
        """Share of stage 2 that is done, 0 to 1."""
        return max(0.0, progress - self.vision_share) / max(1e-9, 1 - self.vision_share)

    def longest_s(self, progress: float) -> float:
        """The longest window in seconds; stage 1 takes them as the first part of stage 2 does."""
        done = self.into_stage_two(progress)
        return max(seconds for share, seconds in self.longest if share <= done)

    def trains_tower(self, progress: float) -> bool:
        """Whether the tower still changes."""
        return self.into_stage_two(progress) < self.tower_until

    @property
    def rules(self) -> tuple[TimeRule, ...]:
        """Every way to tell time that some step takes."""
        return RULES if self.rules_in_turn else (self.time_rule,)

    def rule_at(self, step: int) -> TimeRule:
        """How rows tell their time in step number ``step``."""
        return RULES[step % len(RULES)] if step < self.rules_in_turn else self.time_rule

    @property
    def has_vectors(self) -> bool:
        """Whether clips and texts are ever drawn together."""
        return self.embed_every > 0 and not self.only_when

    def embeds(self, stage: int, step: int) -> bool:
        """Whether a step draws clips and texts together."""
        return stage == 2 and self.has_vectors and step % self.embed_every == 0

    def rate_at(self, progress: float, into_stage: int) -> float:
        """Warm-up at the start of each stage; a line down in the second half of stage 1, a cosine
        in all of stage 2."""
        warm = min(1.0, (into_stage + 1) / self.warmup)
        if self.stage(progress) == 1:
            left = 2 * (1 - progress / self.vision_share)
            return warm * self.vision_rate * min(1.0, max(LAST_SHARE, left))
        cosine = 0.5 * (1 + math.cos(math.pi * self.into_stage_two(progress)))
        return warm * (self.last_rate + (self.rate - self.last_rate) * cosine)
