"""Row times in; the part of a prompt that all questions about a clip share out, under a time rule.

How the network is told when a row is, is one choice; the pixels and the questions stay the same
under each, so that what a rule is worth can be measured (:mod:`vidqa_nano.rules`).
Axes: S tokens of the shared part, from the opening to the mark behind the video.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

from torch import Tensor

from qwen25vl import Grid, ModelConfig, VisionRun, position_ids, uniform_rows
from qwen25vl.positions import Mode
from vidqa_nano.wording import OPENING, TEXT_OPENING

TimeRule = Literal["reference", "row_index", "int_truncated", "hf53", "text"]
"""``reference``, ``int_truncated``, ``hf53``: as :data:`qwen25vl.positions.Mode`; of rows that are
not equally far apart ``int_truncated`` knows the mean interval, as a video's frame rate tells it.
``row_index``: rows have the time ids 0, 1, 2... whatever their seconds: no word of time.
``text``: rows are images, at time 0 of their own, each with its seconds in words before it."""
RULES: tuple[TimeRule, ...] = get_args(TimeRule)

TIME_TEXT = "{seconds:.1f}s"
"""A row's time in words: as the product writes it for checkpoints that are told times so."""
SIDE_PATCHES, TOKENS_PER_ROW = 4, 4


class Shared(NamedTuple):
    """What stands before every question about a clip."""

    ids: list[int]
    positions_3S: Tensor
    vision: list[int]
    """Place of every vision token, row by row, :data:`TOKENS_PER_ROW` each."""


def shared_part(
    row_seconds: Sequence[float],
    rule: TimeRule,
    encode: Callable[[str], list[int]],
    config: ModelConfig,
) -> Shared:
    """The shared part of a clip whose rows start at ``row_seconds``, on the clip's clock."""
    if rule == "text":
        ids, runs = _in_words(row_seconds, encode, config)
    else:
        grid = Grid(len(row_seconds), SIDE_PATCHES, SIDE_PATCHES)
        video = [config.video_token_id] * (len(row_seconds) * TOKENS_PER_ROW)
        ids = [*encode(OPENING), *video, config.vision_end_token_id]
        runs = [VisionRun(grid, _told(row_seconds, rule, config))]
    pads = (config.video_token_id, config.image_token_id)
    vision = [at for at, token in enumerate(ids) if token in pads]
    return Shared(ids, position_ids(ids, runs, config, mode=_mode(rule)), vision)


def _mode(rule: TimeRule) -> Mode:
    return rule if rule == "int_truncated" or rule == "hf53" else "reference"


def _told(row_seconds: Sequence[float], rule: TimeRule, config: ModelConfig) -> Sequence[float]:
    """The seconds from which the ids of rows are made."""
    if rule == "row_index":
        return uniform_rows(len(row_seconds), 1 / config.vision.tokens_per_second)
    if rule == "int_truncated" and len(row_seconds) > 1:
        mean_s = (row_seconds[-1] - row_seconds[0]) / (len(row_seconds) - 1)
        return uniform_rows(len(row_seconds), round(mean_s, 6))
    return row_seconds


def _in_words(
    row_seconds: Sequence[float], encode: Callable[[str], list[int]], config: ModelConfig
) -> tuple[list[int], list[VisionRun]]:
    """Ids and runs of rows that are images, each behind its time."""
    image = [config.image_token_id] * TOKENS_PER_ROW
    picture = [config.vision_start_token_id, *image, config.vision_end_token_id]
    ids = [*encode(TEXT_OPENING)]
    for seconds in row_seconds:
        ids += [*encode(TIME_TEXT.format(seconds=seconds)), *picture]
    row = VisionRun(Grid(1, SIDE_PATCHES, SIDE_PATCHES), (0.0,))
    return ids, [row] * len(row_seconds)
