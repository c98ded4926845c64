"""Token ids and row times in, position ids (time, row, column) out: the rule the model learned.

Text counts up on all three axes at once. A vision run starts where the text stopped and spreads
over its grid; its time ids are the rows' seconds times ``tokens_per_second``, in float32, truncated
once.
Axes: S tokens of the prompt, T rows (pairs of frames) of one vision run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from qwen25vl.config import ModelConfig
from qwen25vl.errors import PromptError
from qwen25vl.patches import Grid

Mode = Literal["reference", "hf53"]
"""``reference``: text after a video resumes after its last id on any axis, as in training.
``hf53``: after its last row or column id, inside the video, as transformers 5.3 and later do."""


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

    Raises PromptError when pads and runs do not match one to one.
    """
    if mode not in ("reference", "hf53"):
        raise PromptError(f"unknown mode {mode!r}", next_step="use 'reference' or 'hf53'")
    parts, begin = [], 0
    for part in _segments(ids, runs, config):
        offsets = (
            torch.arange(part).expand(3, part) if isinstance(part, int) else _spread(part, config)
        )
        parts.append(offsets + begin)
        axes = offsets[1:] if mode == "hf53" else offsets
        begin += int(axes.max()) + 1
    return torch.cat(parts, dim=1) if parts else torch.zeros(3, 0, dtype=torch.int64)


def next_position(positions_3S: Tensor) -> int:
    """Id of the first generated token: one after the prompt's last, on all axes."""
    return int(positions_3S[..., -1].max()) + 1


def _spread(run: VisionRun, config: ModelConfig) -> Tensor:
    """Offsets (3, tokens) of one run, by time, then row, then column."""
    merge = config.vision.spatial_merge_size
    t_ids = time_ids(run.row_seconds, config.vision.tokens_per_second)
    axes = (t_ids, torch.arange(run.grid.h // merge), torch.arange(run.grid.w // merge))
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1)


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
