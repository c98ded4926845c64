"""``python -m vidqa_nano.familiar --weights FOLDER``: writes what the weights are familiar with.

In: a checkpoint folder. Out: ``familiar.json`` in it (:class:`vidqa.familiar.Familiar`): the vision
tokens of drawn clips, on which nothing is trained, as a Gaussian, and the distance that nearly all
further clips stay within. Clips are read as the product reads them; a third went through a codec.
Axes as in :mod:`vidqa.familiar`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qwen25vl import Qwen25VL, load_model
from vidqa.checkpoints import find_checkpoint
from vidqa.familiar import FAMILIAR_FILE, Familiar, row_features
from vidqa.watching import watch_frames
from vidqa_nano import weights_folder
from vidqa_nano.clips import FPS, draw_clip
from vidqa_nano.measure import product_fps
from vidqa_nano.story import story_of

CLIPS = 800
FITTED, SHARE = 3 / 4, 0.995
DIRECTIONS = 64
_ROWS = 8
"""Rows of each clip that count: as many of a short clip as of a long one."""
_DECIMALS = 4

Tokens = NDArray[np.float32]


def describe(weights: Path, count: int = CLIPS) -> Familiar:
    """What the first ``count`` clips of the split ``tuning`` look like to the weights."""
    clips = list(seen_tokens(load_model(weights), "tuning", range(count)))
    fitted = round(FITTED * count)
    rows = np.concatenate([row_features(_some(clip)) for clip in clips[:fitted]])
    known: dict[str, Any] = {
        "made_for": find_checkpoint(str(weights)).digest(),
        "clips": fitted,
        "held_out": count - fitted,
        "share": SHARE,
        **gaussian(rows, DIRECTIONS),
    }
    return Familiar(**known, limit=_limit(Familiar(**known, limit=1.0), clips[fitted:]))


def seen_tokens(model: Qwen25VL, split: str, which: Iterable[int]) -> Iterator[Tokens]:
    """The vision tokens (R, M, D) of clips of a split, at the rate the product reads them."""
    model.eval()
    for index in which:
        step = round(FPS / product_fps(story_of(split, index).duration_s))
        frames = draw_clip(split, index)[::step]
        yield frame_tokens(model, frames[: len(frames) // 2 * 2])


def frame_tokens(model: Qwen25VL, frames_THWC: NDArray[np.uint8]) -> Tokens:
    """The vision tokens (R, M, D) of an even number of frames."""
    seconds = tuple(float(row) for row in range(len(frames_THWC) // 2))
    watched = watch_frames(model, frames_THWC, seconds, "video", still=False)
    tokens: Tokens = watched.tokens_MD.unflatten(0, (len(seconds), -1)).numpy()
    return tokens


def gaussian(rows_NF: NDArray[np.float64], directions: int) -> dict[str, Any]:
    """Mean, scale, the strongest ``directions``, their variances, and that of the rest."""
    mean, scale = rows_NF.mean(0), rows_NF.std(0) + 10.0**-_DECIMALS
    mean, scale = mean.round(_DECIMALS), scale.round(_DECIMALS)
    variances, vectors = np.linalg.eigh(np.cov((rows_NF - mean) / scale, rowvar=False))
    strongest = vectors[:, ::-1].T[:directions]
    least = 10.0**-_DECIMALS
    return {
        "mean": mean,
        "scale": scale,
        "directions": strongest.round(_DECIMALS),
        "variances": np.maximum(variances[::-1][:directions], least).round(_DECIMALS),
        "rest": max(round(float(variances[:-directions].mean()), _DECIMALS), least),
    }


def _some(tokens_RMD: Tokens) -> Tokens:
    some: Tokens = tokens_RMD[np.linspace(0, len(tokens_RMD) - 1, _ROWS).round().astype(int)]
    return some


def _limit(familiar: Familiar, clips: Sequence[Tokens]) -> float:
    """The smallest distance that ``SHARE`` of the clips do not exceed, rounded up."""
    distances = [familiar.distance(clip) for clip in clips]
    within = np.quantile(distances, SHARE, method="higher")
    return float(np.ceil(within * 1000) / 1000)


def main(argv: list[str] | None = None) -> int:
    """Write the file and say what is in it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vidqa_nano.familiar", description=__doc__)
    parser.add_argument("--weights", type=Path, default=weights_folder())
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    found = describe(args.weights, args.clips)
    path: Path = args.weights / FAMILIAR_FILE
    path.write_text(found.to_json(), encoding="utf-8")
    sys.stdout.write(f"{path}: {found.clips} clips, limit {found.limit:g}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
