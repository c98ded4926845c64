"""What was counted and measured, as numbers, JSON and text. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

_HEAD = ("stage", "FLOPs", "bytes", "limit", "measured", "of limit", "bound by")
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One part of the path: counted work, measured time."""

    name: str
    flops: int
    bytes: int
    seconds: float
    flops_per_s: float
    """What the device does at most, as measured."""
    bytes_per_s: float

    @property
    def limit_s(self) -> float:
        """No less is possible at these ceilings: the work of the slower of the two."""
        return max(self.flops / self.flops_per_s, self.bytes / self.bytes_per_s)

    @property
    def bound_by(self) -> str:
        """``FLOPs`` or ``bytes``: which of the two sets the limit."""
        by_flops = self.flops / self.flops_per_s > self.bytes / self.bytes_per_s
        return "FLOPs" if by_flops else "bytes"

    @property
    def share(self) -> float:
        """Of the limit that was reached, 1 at best; above it where data stayed in a cache."""
        return self.limit_s / self.seconds

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        derived = {"limit_s": self.limit_s, "bound_by": self.bound_by, "share": self.share}
        return {**asdict(self), **derived}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of ``vidqa bench model``."""

    model: str
    parameters: int
    random_weights: bool
    dtype: str
    device: str
    machine: str
    """The card's name, or threads and architecture of the processor."""
    layers: str
    """Which layers were run, in words; empty when all were."""
    frames: int
    height: int
    width: int
    video_tokens: int
    prompt_tokens: int
    """Of text, beside the video's."""
    new_tokens: int
    rounds: int
    stages: tuple[Stage, ...]
    """``preprocess``, ``tower``, ``prefill`` and ``decode``, the last for one token."""
    weight_bytes: int
    """Of what was run."""
    cache_bytes: int
    peak_bytes: int | None
    """CUDA: of this process's tensors; CPU: of the whole process since its start; ``None`` where
    the system does not tell."""

    @property
    def seconds(self) -> float:
        """The whole answer: all stages, the last once per new token."""
        *before, decode = self.stages
        return sum(stage.seconds for stage in before) + self.new_tokens * decode.seconds

    @property
    def limit_s(self) -> float:
        """The same at the limits."""
        *before, decode = self.stages
        return sum(stage.limit_s for stage in before) + self.new_tokens * decode.limit_s

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {**asdict(self), "stages": [stage.to_dict() for stage in self.stages]}
        return {**plain, "seconds": self.seconds, "limit_s": self.limit_s}

    def lines(self) -> list[str]:
        """For people, at most 80 columns wide."""
        return [*self._head(), "", *_table(self._rows()), "", self._memory()]

    def _head(self) -> list[str]:
        weights = "random weights" if self.random_weights else "own weights"
        text, host = self.stages[-1], self.stages[0]
        limits = [f"{_si(text.flops_per_s)}FLOP/s", f"{_si(text.bytes_per_s)}B/s copied"]
        if host.bytes_per_s != text.bytes_per_s:
            limits.append(f"{_si(host.bytes_per_s)}B/s on the host")
        frames = f"{self.frames} frames of {self.height} x {self.width}"
        asked = f"{self.prompt_tokens} of text, {self.new_tokens} new"
        lines = [
            f"{self.model}: {_si(self.parameters).strip()} parameters, {weights}, {self.dtype}",
            f"on {self.device}: {self.machine}; measured limits {', '.join(limits)}",
            f"{frames}: {self.video_tokens} video tokens; {asked}",
        ]
        return [*lines, self.layers] if self.layers else lines

    def _rows(self) -> list[tuple[str, ...]]:
        rows = [
            (
                "decode (a token)" if stage.name == "decode" else stage.name,
                f"{_si(stage.flops)}FLOP" if stage.flops else "-",
                f"{_si(stage.bytes)}B",
                _time(stage.limit_s),
                _time(stage.seconds),
                f"{stage.share:.0%}",
                stage.bound_by,
            )
            for stage in self.stages
        ]
        share = f"{self.limit_s / self.seconds:.0%}"
        total = ("whole answer", "", "", _time(self.limit_s), _time(self.seconds), share, "")
        return [_HEAD, *rows, total]

    def _memory(self) -> str:
        parts = [f"weights {_si(self.weight_bytes)}B", f"cache {_si(self.cache_bytes)}B"]
        peak = "not told" if self.peak_bytes is None else f"{_si(self.peak_bytes)}B"
        return f"memory: {', '.join(parts)}, peak {peak}; times are medians of {self.rounds}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Names to the left, numbers to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(width) if k in (0, last) else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _si(value: float) -> str:
    """``1.53 G`` and the like, to stand before a unit."""
    for size, prefix in _PREFIXES:
        if value >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value:.3g} "


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"
