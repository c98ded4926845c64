"""Contenders take turns in one process: medians, and ratios as medians over the rounds.

A busy machine slows all of them alike, so ratios carry over where milliseconds do not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

OURS, PEER = "vidqa", "transformers"
Contenders = dict[str, Callable[[], Tensor]]
Row = dict[str, Any]
FLOAT32_ERROR, BFLOAT16_ERROR = 1e-3, 5e-2
"""Largest difference of two outputs, as a share of the norm of the second."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A ratio of two contenders' times and the bound the issue sets it."""

    above: str
    below: str
    bound: float
    at_least: bool = True

    @property
    def name(self) -> str:
        return f"{self.above} / {self.below}"

    def judged(self, figure: float) -> dict[str, Any]:
        """The figure beside what was wanted of it."""
        return judged(self.name, figure, self.bound, at_least=self.at_least)


def judged(name: str, figure: float, bound: float, *, at_least: bool) -> dict[str, Any]:
    """One ratio, its bound, and whether it holds before rounding."""
    return {
        "name": name,
        "figure": round(figure, 2),
        "wanted": f"{'>=' if at_least else '<='} {bound}",
        "holds": figure >= bound if at_least else figure <= bound,
    }


@torch.inference_mode()
def take_turns(
    row: str,
    contenders: Contenders,
    wanted: Sequence[Wanted],
    rounds: int,
    *,
    per: int = 1,
    floor: dict[str, float] | None = None,
) -> Row:
    """Medians in milliseconds and judged ratios; ``per``: units of work in one run of each.

    ``floor``: seconds that were counted and not run, by name, such as a roofline.
    """
    seconds = [{name: timed(run) / per for name, run in contenders.items()} for _ in range(rounds)]
    seconds = [{**each, **(floor or {})} for each in seconds]
    medians = {name: statistics.median(each[name] for each in seconds) for name in seconds[0]}
    ratios = {
        want: statistics.median(each[want.above] / each[want.below] for each in seconds)
        for want in wanted
    }
    return {
        "row": row,
        "milliseconds": {name: round(1e3 * value, 3) for name, value in medians.items()},
        "ratios": [want.judged(figure) for want, figure in ratios.items()],
    }


def timed(run: Callable[[], Tensor]) -> float:
    """Seconds until the result is there, on whatever device."""
    begin = time.perf_counter()
    if run().is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def warm(contenders: Contenders, what: str) -> Contenders:
    """Two contenders after one run of each; raises AssertionError where their outputs differ."""
    first, second = (run() for run in contenders.values())
    require_same(first, second, what)
    return contenders


def require_same(ours: Tensor, theirs: Tensor, what: str) -> None:
    """Raises AssertionError where two outputs differ by more than their type explains."""
    limit = FLOAT32_ERROR if ours.dtype == torch.float32 else BFLOAT16_ERROR
    ours, theirs = ours.float(), theirs.float()
    error = float((ours - theirs).norm() / theirs.norm())
    if ours.shape != theirs.shape or not error <= limit:
        message = f"{what}: {tuple(ours.shape)} and {tuple(theirs.shape)} differ by {error:.2e}"
        raise AssertionError(f"{message} of their norm, more than {limit}")
