"""7B with random bfloat16 weights on a CUDA card: transformers (SDPA) and the roofline.

The roofline is the larger of FLOPs over what a card computes and bytes over what it reads; both
rates were measured on an H200. Axes: N patches, P numbers per patch.
"""

from __future__ import annotations

import torch

from benchmarks import decoder
from benchmarks.memory import SIDE, TOKENS_PER_ROW, card_model
from benchmarks.tower import tower_contenders
from benchmarks.turns import OURS, PEER, Row, Wanted, take_turns
from qwen25vl import Grid, ModelConfig, counting
from qwen25vl.shapes import SHAPES

ROOFLINE = "roofline"
FLOPS_PER_SECOND, BYTES_PER_SECOND = 790e12, 4.3e12
TOKENS, QUICK_TOKENS, TEXT_TOKENS, BFLOAT16 = 24_576, 6_144, 200, 2


@torch.inference_mode()
def card_rows(
    rounds: int, quick: bool, device: str, config: ModelConfig = SHAPES["7b"]
) -> list[Row]:
    """Tower, prefill and decode of one video of 224 x 224 pixels."""
    torch.manual_seed(0)
    model = card_model(config, torch.device(device))
    peer = decoder.peer_of(model)
    tokens = QUICK_TOKENS if quick else TOKENS
    side = SIDE // config.vision.patch_size
    grid = Grid(tokens // TOKENS_PER_ROW, side, side)
    patches_NP = torch.randn(grid.patches, config.vision.patch_dim, device=device)
    towers = tower_contenders(model.vision, peer.get_submodule("model.visual"), patches_NP, grid)
    ends = _ends(config, grid, tokens + TEXT_TOKENS)
    faster = [Wanted(PEER, OURS, 3)]
    rows = [take_turns(f"tower, {tokens} tokens", towers, faster, rounds, floor=ends["tower"])]
    del towers, patches_NP
    pair, prompt = decoder.Pair(model, peer, tokens + TEXT_TOKENS), tokens + TEXT_TOKENS
    near = [Wanted(OURS, ROOFLINE, 1.6, at_least=False)]
    found = pair.prefills()
    rows.append(take_turns(f"prefill, {prompt} tokens", found, near, rounds, floor=ends["prefill"]))
    near = [Wanted(OURS, ROOFLINE, 1.3, at_least=False)]
    name, steps = f"decode, a token behind {prompt}", decoder.STEPS
    found = pair.decodes()
    rows.append(take_turns(name, found, near, rounds, per=steps, floor=ends["decode"]))
    return rows


def _ends(config: ModelConfig, grid: Grid, prompt: int) -> dict[str, dict[str, float]]:
    """Seconds below which no card of these rates can stay, by stage."""
    vision, text = config.vision, config.text
    work = {
        "tower": (
            counting.tower_flops(vision, [grid]).total,
            counting.tower_bytes(vision, [grid], BFLOAT16),
        ),
        "prefill": (
            counting.prefill_flops(text, prompt).total,
            counting.prefill_bytes(text, prompt, BFLOAT16),
        ),
        "decode": (
            counting.decode_flops(text, prompt).total,
            counting.decode_bytes(text, prompt, BFLOAT16),
        ),
    }
    return {
        stage: {ROOFLINE: max(flops / FLOPS_PER_SECOND, moved / BYTES_PER_SECOND)}
        for stage, (flops, moved) in work.items()
    }
