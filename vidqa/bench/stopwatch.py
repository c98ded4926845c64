"""Seconds of a piece of work, and what the machine does at most: two ceilings.

A ceiling is the best of several tries, a stage the median of its rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from qwen25vl.linear import Linear

_PRODUCT = {"cpu": 2048, "cuda": 8192}
_COPIED = {"cpu": 1 << 28, "cuda": 1 << 30}
"""Bytes: far more than any cache holds."""


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Times what has really been done: on CUDA the queue is empty before and after."""

    device: str
    clock: Callable[[], float] = time.perf_counter

    def times(self, run: Callable[[], object], rounds: int) -> list[float]:
        """Seconds of each round, after one that is not counted."""
        run()
        return [self._once(run) for _ in range(rounds)]

    def median(self, run: Callable[[], object], rounds: int) -> float:
        """The median round."""
        return statistics.median(self.times(run, rounds))

    def _once(self, run: Callable[[], object]) -> float:
        self._settle()
        began_s = self.clock()
        run()
        self._settle()
        return self.clock() - began_s

    def _settle(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The most that was seen on this machine."""

    flops_per_s: float
    """Of a large matrix product in the model's type."""
    bytes_per_s: float
    """Read and written by a copy on the model's device."""
    host_bytes_per_s: float
    """The same in the host's memory, where frames become patches."""


def measure_ceilings(watch: Stopwatch, dtype: torch.dtype, rounds: int) -> Ceilings:
    """A matrix product and a copy, each too large for any cache."""
    copied = _copy_rate(watch, rounds)
    host = copied if watch.device == "cpu" else _copy_rate(Stopwatch("cpu", watch.clock), rounds)
    return Ceilings(
        flops_per_s=_product_rate(watch, dtype, rounds),
        bytes_per_s=copied,
        host_bytes_per_s=host,
    )


def _product_rate(watch: Stopwatch, dtype: torch.dtype, rounds: int) -> float:
    side = _PRODUCT[watch.device]
    # The network's own layer: on a processor its kernel may beat torch's plain product by much.
    layer = Linear(side, side, bias=False, device=watch.device, dtype=dtype)
    rows = torch.rand(side, side, device=watch.device).to(dtype)
    with torch.inference_mode():
        best_s = min(watch.times(lambda: layer(rows), rounds))
    return float(2 * side**3 / best_s)


def _copy_rate(watch: Stopwatch, rounds: int) -> float:
    size = _COPIED[watch.device]
    source = torch.zeros(size, dtype=torch.uint8, device=watch.device)
    target = torch.ones_like(source)
    best_s = min(watch.times(lambda: target.copy_(source), rounds))
    return 2 * size / best_s
