"""One loading of one checkpoint by one contender, in a process of its own, measured from inside.

``python -m benchmarks.checkpoint_probe CONTENDER FOLDER`` prints one JSON line. Imports come before
the clock starts. Ready is when every page of the weights was read once: a contender may map its
file instead of reading it. Memory is what the process held at its peak by then, over what it held
before.
Axes: T frames, H rows, W columns, C colours, S sequence, N patches.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qwen25vl import (
    Generation,
    Qwen25VL,
    VisionRun,
    generate,
    load_model,
    patchify,
    position_ids,
    uniform_rows,
)

FRAMES, SIDE = 4, 112
"""Frames of the pass, and their height and width in pixels."""
SECONDS_PER_ROW = 1.0
NEW_TOKENS = 4
CONTENDERS = ("vidqa", "transformers")
Load = Callable[[Path], nn.Module]


def main() -> None:
    contender, folder = sys.argv[1], Path(sys.argv[2])
    load = _ours if contender == CONTENDERS[0] else _theirs()
    torch.zeros(1).to(torch.bfloat16)
    before = _status("VmRSS")
    begin = time.perf_counter()
    model = load(folder)
    measured: dict[str, Any] = {"load_seconds": time.perf_counter() - begin}
    _touch(model)
    measured["ready_seconds"] = time.perf_counter() - begin
    measured["weight_bytes"] = sum(each.nbytes for each in model.parameters())
    measured["peak_bytes"] = _status("VmHWM") - before
    if isinstance(model, Qwen25VL):
        measured |= _pass(model)
    print(json.dumps(measured))


def _ours(folder: Path) -> nn.Module:
    return load_model(folder, dtype=torch.bfloat16)


def _theirs() -> Load:
    from benchmarks.peers import allow_torchvision

    allow_torchvision()
    from transformers import Qwen2_5_VLForConditionalGeneration, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()

    def load(folder: Path) -> nn.Module:
        model: nn.Module = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            folder, dtype=torch.bfloat16
        )
        return model

    return load


@torch.inference_mode()
def _pass(model: Qwen25VL) -> dict[str, Any]:
    """Frames to a short reply: what it took, and how many tokens it was."""
    rgb_THWC = torch.randint(0, 256, (FRAMES, SIDE, SIDE, 3), dtype=torch.uint8)
    begin = time.perf_counter()
    patches_NP, grid = patchify(rgb_THWC, model.config.vision)
    vision_MD = model.vision(patches_NP.to(model.dtype), [grid])
    seen = time.perf_counter()
    config = model.config
    pads = [config.video_token_id] * grid.tokens(config.vision)
    ids = [config.vision_start_token_id, *pads, config.vision_end_token_id, *range(20)]
    run = VisionRun(grid, uniform_rows(grid.t, SECONDS_PER_ROW))
    reply = _reply(model, ids, vision_MD, position_ids(ids, [run], config)[:, None])
    return {
        "prompt_tokens": len(ids),
        "reply_tokens": len(reply.ids),
        "tower_seconds": seen - begin,
        "reply_seconds": time.perf_counter() - seen,
    }


def _reply(model: Qwen25VL, ids: list[int], vision_MD: Tensor, positions_31S: Tensor) -> Generation:
    embeds_1SD = model.embed_prompt(torch.tensor([ids]), vision_MD)
    return generate(model, embeds_1SD, positions_31S, max_new_tokens=NEW_TOKENS, stop_ids=())


def _touch(model: nn.Module) -> None:
    """Read one number of every 4 KiB: weights that are only mapped are fetched now."""
    for each in model.parameters():
        each.detach().flatten()[:: 4096 // each.element_size()].sum()


def _status(name: str) -> int:
    """Bytes that Linux says of this process: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
