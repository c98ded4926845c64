"""Peak memory of one long video, measured from inside a process of its own.

``python -m benchmarks.memory [--tokens N] [--threads N] [--device cpu|cuda]`` prints one JSON line.
Frames (uint8) become vision tokens as the engine makes them, then the prompt goes into the cache in
chunks. Frames are let go when they are tokens, tokens when they are in the cache; with ``--keep``
tokens stay, as with the engine, which may be asked again. On a processor
memory is VmHWM at the end less VmRSS after imports and before weights; on a card what torch has
allocated at most. That is held against three things, in bytes:

* weights: every parameter once, a tied output layer not again;
* cache: keys and values of all tokens it has room for;
* one chunk: the least a decoder layer holds of it at once, which is the residual, the normed input
  and the two inner halves of the MLP: tokens of a chunk * (2 * width + 2 * intermediate).

Axes: T frames, H rows, W columns, C colours, S prompt tokens, M vision tokens, D width.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.decoder import decoder_config
from benchmarks.tower import small_tower
from qwen25vl import (
    Grid,
    KVCache,
    ModelConfig,
    PromptEmbeds,
    Qwen25VL,
    VisionRun,
    position_ids,
    prefill,
    uniform_rows,
)
from qwen25vl.counting import kv_bytes_per_token
from qwen25vl.prefill import CHUNK
from qwen25vl.shapes import SHAPES
from vidqa.heap import give_back
from vidqa.watching import encode_frames, watch_frames

SIDE = 224
"""Height and width of a frame in pixels: 64 tokens a row of two."""
TOKENS_PER_ROW, FRAMES_PER_ROW, QUESTION = 64, 2, 200
OWN_BYTES = 32 << 20
"""glibc asks the system for each array larger than this and gives it back when it is freed; a
smaller one may stay with the process."""


@torch.inference_mode()
def main() -> None:
    """Make weights, run once, print what was held and what was counted."""
    options = _options()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    before = _resident() if device.type == "cpu" else 0
    model = _model(device)
    made = _held(device) - before
    stages = _run(model, options.tokens // TOKENS_PER_ROW, keep=options.keep)
    stages = {name: peak - before for name, peak in stages.items()}
    tokens = stages.pop("prompt_tokens") + before
    counted = _counted(model, tokens)
    document = {"after_weights": made, "peaks": stages, "counted": counted}
    print(json.dumps({"tokens": options.tokens, "device": device.type, **document}))


def _run(model: Qwen25VL, rows: int, *, keep: bool) -> dict[str, int]:
    """Highest memory so far after the tower and after the prefill, and tokens of the prompt."""
    tokens = _tokens(model, rows, keep=keep)
    after_tower, kept = _held(model.device), list(tokens) if keep else []
    embeds, positions_31S = _prompt(model, tokens, rows)
    tokens.clear()
    length = embeds.shape[1]
    cache = KVCache(model.config.text, length, dtype=model.dtype, device=model.device)
    prefill(model, embeds, positions_31S, cache)
    kept.clear()
    peaks = {"tower": after_tower, "prefill": _held(model.device)}
    return {**peaks, "prompt_tokens": length}


def _tokens(model: Qwen25VL, rows: int, *, keep: bool) -> list[Tensor]:
    """Vision tokens of a video, in parts unless they are kept."""
    rgb_THWC = _frames(rows * FRAMES_PER_ROW)
    if keep:
        seconds = uniform_rows(rows, 1.0)
        return [watch_frames(model, rgb_THWC, seconds, "video", still=False).tokens_MD]
    return _apart(encode_frames(model, rgb_THWC, still=False))


def _prompt(model: Qwen25VL, tokens: list[Tensor], rows: int) -> tuple[PromptEmbeds, Tensor]:
    """Embeddings and position ids of a video and a question."""
    config, side = model.config, SIDE // model.config.vision.patch_size
    run = VisionRun(Grid(rows, side, side), uniform_rows(rows, 1.0))
    pads = [config.video_token_id] * sum(map(len, tokens))
    question = range(20, 20 + QUESTION)
    ids = [config.vision_start_token_id, *pads, config.vision_end_token_id, *question]
    positions_31S = position_ids(ids, [run], config)[:, None].to(model.device)
    return PromptEmbeds(model, ids, tokens), positions_31S


def _apart(parts: Iterator[Tensor]) -> list[Tensor]:
    """Tokens in arrays of more than ``OWN_BYTES``."""
    apart: list[Tensor] = []
    some: list[Tensor] = []
    for part_MD in parts:
        some.append(part_MD)
        if sum(each.nbytes for each in some) > OWN_BYTES:
            apart.append(torch.cat(some))
            some = []
    give_back()
    return apart + some


def _frames(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def _model(device: torch.device) -> Qwen25VL:
    """A small tower before 100 M parameters, or a card's 7B in its own type."""
    if device.type == "cpu":
        return Qwen25VL(decoder_config(small_tower(192, 8, 512, 768))).eval()
    return card_model(SHAPES["7b"], device)


def card_model(config: ModelConfig, device: torch.device) -> Qwen25VL:
    """Random bfloat16 weights made where they stay."""
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with device:
            return Qwen25VL(config).eval()
    finally:
        torch.set_default_dtype(kept)


def _counted(model: Qwen25VL, tokens: int) -> dict[str, int]:
    text, size = model.config.text, model.dtype.itemsize
    chunk = min(tokens, CHUNK[model.device.type])
    weights = sum(each.numel() * each.element_size() for each in model.parameters())
    return {
        "weights": weights,
        "cache": tokens * kv_bytes_per_token(text, size),
        "chunk": chunk * 2 * (text.hidden_size + text.intermediate_size) * size,
    }


def _held(device: torch.device) -> int:
    """Bytes at the highest so far."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _status("VmHWM")


def _resident() -> int:
    return _status("VmRSS")


def _status(name: str) -> int:
    """Bytes that Linux says of this process: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Peak memory of one long video.")
    parser.add_argument("--tokens", type=int, default=24_576, help="vision tokens")
    parser.add_argument("--threads", type=int, default=2, help="torch threads")
    parser.add_argument("--keep", action="store_true", help="hold the vision tokens to the end")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
