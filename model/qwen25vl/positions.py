"""Token ids and row times in, position ids (time, row, column) out: the rule the model learned.

Text counts up on all three axes at once. A vision run starts where the text stopped and spreads
over its grid; its time ids are the rows' seconds times ``tokens_per_second``, in float32, truncated
once. Two rules of other software are kept to measure what they cost (docs/positions.md).
Axes: S tokens of the prompt, T rows (pairs of frames) of one vision run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from qwen25vl.config import ModelConfig
from qwen25vl.errors import PromptError
from qwen25vl.patches import Grid

Mode = Literal["reference", "hf53", "int_truncated"]
"""``reference``: text after a video resumes after its last id on any axis, as in training.
``hf53``: after its last row or column id, inside the video, as transformers 5.3 and later do.
``int_truncated``: as the reference, but the rows' interval is cut to whole seconds before it is
multiplied, as transformers 4.5x to 5.17 do (transformers PR #48669)."""
MODES: tuple[Mode, ...] = get_args(Mode)


class VisionRun(NamedTuple):
    """One video or image as the prompt shows it: its grid, and when each row of it happens."""

    grid: Grid
    row_seconds: Sequence[float]
    """Seconds from the start of the window, one per row; an image has (0.0,)."""


def uniform_rows(rows: int, seconds_per_row: float) -> tuple[float, ...]:
    """Times k * seconds_per_row as the reference computes them: in float32."""
    times: list[float] = (torch.arange(rows, dtype=torch.float32) * seconds_per_row).tolist()
    return tuple(times)


def time_ids(row_seconds: Sequence[float], tokens_per_second: float) -> Tensor:
    """Row times (T,) to int64 offsets: one float32 product, truncated at the end."""
    seconds = torch.tensor(row_seconds, dtype=torch.float32)
    return (seconds * tokens_per_second).to(torch.int64)


def position_ids(
    ids: Sequence[int],
    runs: Sequence[VisionRun],
    config: ModelConfig,
    *,
    mode: Mode = "reference",
) -> Tensor:
    """Position ids (3, S) int64 of a prompt whose image and video pads are ``runs``, in order.

    Raises PromptError when pads and runs do not match one to one, and in mode ``int_truncated``
    for rows that are not equally far apart: that rule knows one interval per video.
    """
    if mode not in MODES:
        raise PromptError(f"unknown mode {mode!r}", next_step=f"use one of {', '.join(MODES)}")
    parts, begin = [], 0
    for part in _segments(ids, runs, config):
        offsets = _counted(part) if isinstance(part, int) else _spread(part, config, mode)
        parts.append(offsets + begin)
        axes = offsets[1:] if mode == "hf53" else offsets
        begin += int(axes.max()) + 1
    return torch.cat(parts, dim=1) if parts else torch.zeros(3, 0, dtype=torch.int64)


def next_position(positions_3S: Tensor) -> int:
    """Id of the first generated token: one after the prompt's last, on all axes."""
    return int(positions_3S[..., -1].max()) + 1


def _counted(length: int) -> Tensor:
    """Offsets (3, length) of text."""
    return torch.arange(length).expand(3, length)


def _spread(run: VisionRun, config: ModelConfig, mode: Mode) -> Tensor:
    """Offsets (3, tokens) of one run, by time, then row, then column."""
    merge = config.vision.spatial_merge_size
    seconds = _whole_seconds(run) if mode == "int_truncated" else run.row_seconds
    t_ids = time_ids(seconds, config.vision.tokens_per_second)
    axes = (t_ids, torch.arange(run.grid.h // merge), torch.arange(run.grid.w // merge))
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1)


def _whole_seconds(run: VisionRun) -> tuple[float, ...]:
    """Row times as if the interval between rows had been cut to an integer."""
    interval = run.row_seconds[1] if run.grid.t > 1 else 0.0
    even = uniform_rows(run.grid.t, interval)
    if not torch.allclose(torch.tensor(run.row_seconds), torch.tensor(even), atol=1e-3):
        message = f"row times {tuple(run.row_seconds)[:4]}... are not k * {interval}"
        raise PromptError(message, next_step="use mode 'reference', or uniform_rows")
    return uniform_rows(run.grid.t, math.trunc(interval))


def _segments(
    ids: Sequence[int], runs: Sequence[VisionRun], config: ModelConfig
) -> Iterator[int | VisionRun]:
    """The prompt cut up: lengths of text, and the vision runs between them."""
    pads = (config.image_token_id, config.video_token_id)
    waiting, at, text = iter(runs), 0, 0
    while at < len(ids):
        if ids[at] not in pads:
            at, text = at + 1, text + 1
            continue
        run = _next_run(waiting, ids, at, config)
        if text:
            yield text
        yield run
        at, text = at + run.grid.tokens(config.vision), 0
    if text:
        yield text
    if left := len(list(waiting)):
        raise PromptError(f"{left} of {len(runs)} vision inputs have no pads", next_step=_FIX)


_FIX = "render one pad per vision token (Grid.tokens), inputs in order of appearance"


def _next_run(
    waiting: Iterator[VisionRun], ids: Sequence[int], at: int, config: ModelConfig
) -> VisionRun:
    run = next(waiting, None)
    if run is None:
        raise PromptError(f"token {at} is a vision pad without an input", next_step=_FIX)
    _check_times(run)
    count = run.grid.tokens(config.vision)
    found = list(ids[at : at + count]).count(ids[at])
    if found != count:
        message = f"{found} pads at token {at} for a grid {tuple(run.grid)} of {count}"
        raise PromptError(message, next_step=_FIX)
    return run


def _check_times(run: VisionRun) -> None:
    fits = len(run.row_seconds) == run.grid.t
    if not fits or not all(math.isfinite(s) and s >= 0 for s in run.row_seconds):
        message = f"row times {tuple(run.row_seconds)[:4]}... for {run.grid.t} rows"
        raise PromptError(message, next_step="give one finite time >= 0 per pair of frames")
