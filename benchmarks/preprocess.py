"""How fast frames become patches: ours, transformers' video processor, and a plain memory copy.

``python -m benchmarks.preprocess [--quick] [--json] [--rounds N] [--threads N]``

Same pixels in (no resize on either side), same patches out, checked to the bit. Contenders take
turns in one process; medians count, and ratios are medians over the rounds, so that a busy machine
slows all of them alike. The plain copy is ``patches.clone()``: new memory of the output's size,
read and written once, which is the least any of them has to do.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.peers import allow_torchvision
from qwen25vl import VisionConfig, patchify

OURS, PEER, COPY = "vidqa", "transformers", "plain copy"
Contenders = dict[str, Callable[[], Tensor]]
TOWER = VisionConfig(  # of the released checkpoints; only the patch sizes matter here
    depth=32,
    hidden_size=1280,
    num_heads=16,
    intermediate_size=3420,
    out_hidden_size=3584,
    patch_size=14,
    temporal_patch_size=2,
    spatial_merge_size=2,
    window_size=112,
    fullatt_block_indexes=(7, 15, 23, 31),
    tokens_per_second=2.0,
)


@dataclass(frozen=True, slots=True)
class Frames:
    """One amount of video."""

    count: int
    height: int
    width: int


QUICK = (Frames(20, 560, 1008), Frames(120, 224, 420))
FULL = (Frames(20, 560, 1008), Frames(120, 420, 728), Frames(768, 224, 224))


def main() -> None:
    """Run, then print a table or one JSON document."""
    options = _options()
    torch.set_num_threads(options.threads)
    rounds = options.rounds or (9 if options.quick else 25)
    results = [_measure(frames, rounds) for frames in (QUICK if options.quick else FULL)]
    document = {"threads": options.threads, "rounds": rounds, "results": results}
    if options.json:
        print(json.dumps(document, indent=1))
    else:
        _show(document)


def _measure(frames: Frames, rounds: int) -> dict[str, Any]:
    contenders = _contenders(frames)
    seconds = [{name: _timed(run) for name, run in contenders.items()} for _ in range(rounds)]
    medians = {name: statistics.median(r[name] for r in seconds) for name in contenders}
    return {
        "frames": [frames.count, frames.height, frames.width],
        "milliseconds": {name: round(1e3 * value, 2) for name, value in medians.items()},
        f"{PEER} / {OURS}": _ratio(seconds, PEER, OURS),
        f"{OURS} / {COPY}": _ratio(seconds, OURS, COPY),
    }


def _contenders(frames: Frames) -> Contenders:
    """What takes turns, after one run of each that warms up and is compared to the bit."""
    rgb_THWC = torch.randint(0, 256, (frames.count, frames.height, frames.width, 3)).to(torch.uint8)
    # The peer wants channels first: that conversion is not counted against it.
    rgb_TCHW = rgb_THWC.permute(0, 3, 1, 2).contiguous()
    processor = _peer()
    ours, _ = patchify(rgb_THWC, TOWER)
    theirs = processor(rgb_TCHW)
    if not torch.equal(ours, theirs):
        raise AssertionError(f"patches differ from transformers' for {frames}")
    return {
        OURS: lambda: patchify(rgb_THWC, TOWER)[0],
        PEER: lambda: processor(rgb_TCHW),
        COPY: ours.clone,
    }


def _peer() -> Callable[[Tensor], Tensor]:
    logging.getLogger("transformers").setLevel(logging.ERROR)
    if not allow_torchvision():
        raise SystemExit("transformers' video processor needs torchvision: pip install torchvision")
    from transformers import Qwen2VLVideoProcessor

    processor = Qwen2VLVideoProcessor(
        do_sample_frames=False, do_resize=False, cap_pixels_per_frame=False
    )

    def patches(rgb_TCHW: Tensor) -> Tensor:
        found: Tensor = processor(videos=[rgb_TCHW], return_tensors="pt")["pixel_values_videos"]
        return found

    return patches


def _timed(run: Callable[[], Tensor]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def _ratio(seconds: list[dict[str, float]], above: str, below: str) -> float:
    return round(statistics.median(r[above] / r[below] for r in seconds), 2)


def _show(document: dict[str, Any]) -> None:
    title = f"frames to patches, {document['threads']} threads, {document['rounds']} rounds"
    table = Table(title=title)
    ratios = (f"{PEER} / {OURS}", f"{OURS} / {COPY}")
    names = (OURS, PEER, COPY)
    for column in ("frames", *(f"{name}, ms" for name in names), *ratios):
        table.add_column(column, justify="right")
    for result in document["results"]:
        cells = ["x".join(map(str, result["frames"]))]
        cells += [str(result["milliseconds"][name]) for name in names]
        table.add_row(*cells, *(str(result[ratio]) for ratio in ratios))
    Console(width=110).print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Frames to patches, ours against transformers'.")
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--rounds", type=int, help="turns per contender")
    parser.add_argument("--threads", type=int, default=2, help="torch threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
