"""The vision tower against transformers' (SDPA) and against our own linear layers alone.

Axes: N patches, P numbers per patch, M vision tokens, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers import allow_torchvision
from benchmarks.turns import OURS, PEER, Contenders, Row, Wanted, take_turns, warm
from qwen25vl import Grid, VisionConfig
from qwen25vl.names import PATCH
from qwen25vl.shapes import SHAPES
from qwen25vl.vision import CHUNK_PATCHES, VisionTower

LINEAR, PLAIN = "linear layers", "plain nn.Linear"
"""Our own kernel, and torch's, which is the peer's."""
SHORT, LONG, SQUARE = Grid(64, 12, 20), Grid(384, 10, 18), Grid(8, 16, 16)
"""A clip; the cookbook's long video; few frames for full width."""
_PREFIX = "vision."


def small_tower(width: int, heads: int, intermediate: int, out: int) -> VisionConfig:
    """Eight layers, two of them with full attention."""
    return replace(
        SHAPES["7b"].vision,
        depth=8,
        hidden_size=width,
        num_heads=heads,
        intermediate_size=intermediate,
        out_hidden_size=out,
        fullatt_block_indexes=(3, 7),
    )


def narrow_towers(width: int, heads: int, intermediate: int, rounds: int, quick: bool) -> list[Row]:
    """Towers bound by what is not a linear layer."""
    config = small_tower(width, heads, intermediate, 2 * width)
    wanted = (Wanted(PEER, OURS, 2), Wanted(OURS, LINEAR, 1.4, at_least=False))
    grids = (SHORT,) if quick else (SHORT, LONG)
    return [_measured(config, grid, wanted, rounds) for grid in grids]


def full_width(rounds: int) -> list[Row]:
    """Two layers of the released width, one with windows and one with whole frames."""
    config = replace(SHAPES["7b"].vision, depth=2, fullatt_block_indexes=(1,))
    return [_measured(config, SQUARE, (Wanted(PEER, OURS, 1),), rounds)]


@torch.inference_mode()
def _measured(config: VisionConfig, grid: Grid, wanted: tuple[Wanted, ...], rounds: int) -> Row:
    torch.manual_seed(0)
    tower = VisionTower(config).eval()
    patches_NP = torch.randn(grid.patches, config.patch_dim)
    contenders = tower_contenders(tower, peer_of(tower), patches_NP, grid)
    for name, call in ((LINEAR, nn.Linear.__call__), (PLAIN, nn.Linear.forward)):
        contenders[name] = _linear_alone(tower, patches_NP, grid, call)
        contenders[name]()
    size = "x".join(map(str, grid))
    name = f"tower, width {config.hidden_size}, {config.depth} layers, {size} patches"
    return take_turns(name, contenders, wanted, rounds)


def tower_contenders(
    tower: VisionTower, peer: Callable[..., Any], patches_NP: Tensor, grid: Grid
) -> Contenders:
    """Ours and theirs, after one run of each that warms up and is compared."""
    grids_13 = torch.tensor([list(grid)], device=patches_NP.device)

    def ours() -> Tensor:
        tokens_MD: Tensor = tower(patches_NP, [grid])
        return tokens_MD

    def theirs() -> Tensor:
        out = peer(patches_NP, grid_thw=grids_13)
        tokens_MD: Tensor = out if isinstance(out, Tensor) else out.pooler_output
        return tokens_MD

    return warm({OURS: ours, PEER: theirs}, "vision tokens")


def peer_of(tower: VisionTower) -> Callable[..., Any]:
    """transformers' tower with the same weights, type and device."""
    allow_torchvision()
    from transformers.models.qwen2_5_vl import configuration_qwen2_5_vl as configuration
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as modeling

    config, weight = tower.config, tower.patch_embed.proj.weight
    theirs = configuration.Qwen2_5_VLVisionConfig(
        depth=config.depth,
        hidden_size=config.hidden_size,
        num_heads=config.num_heads,
        intermediate_size=config.intermediate_size,
        out_hidden_size=config.out_hidden_size,
        fullatt_block_indexes=list(config.fullatt_block_indexes),
        window_size=config.window_size,
        tokens_per_second=int(config.tokens_per_second),
        hidden_act="silu",
    )
    made = modeling.Qwen2_5_VisionTransformerPretrainedModel._from_config(  # noqa: SLF001
        theirs, attn_implementation="sdpa", dtype=weight.dtype
    )
    peer: nn.Module = made.eval()
    nn.Module.to(peer, weight.device)
    state, key = tower.state_dict(), PATCH.removeprefix(_PREFIX)
    state[key] = state[key].view_as(peer.state_dict()[key])
    peer.load_state_dict(state)
    return peer


def _linear_alone(
    tower: VisionTower, patches_NP: Tensor, grid: Grid, call: Callable[[nn.Linear, Tensor], Tensor]
) -> Callable[[], Tensor]:
    """Every linear layer the tower calls, on as many rows at once, on inputs already there.

    One ``call`` each: the activation, product or sum the tower lets a layer do is not counted.
    """
    chunks = list(_chunk_rows(grid, patches_NP.device.type))
    unit, merger = tower.config.merge_unit, _linears(tower.merger)
    blocks = [layer for block in tower.blocks for layer in _linears(block)]
    inputs = {
        layer: torch.randn(max(chunks) // (unit if layer in merger else 1), layer.in_features)
        for layer in blocks + merger
    }

    def run() -> Tensor:
        out, start = patches_NP, 0
        for rows in chunks:
            call(tower.patch_embed.proj, patches_NP[start : start + rows])
            for layer in blocks:
                call(layer, inputs[layer][:rows])
            for layer in merger:
                out = call(layer, inputs[layer][: rows // unit])
            start += rows
        return out

    return run


def _linears(module: nn.Module) -> list[nn.Linear]:
    return [each for each in module.modules() if isinstance(each, nn.Linear)]


def _chunk_rows(grid: Grid, device: str) -> Iterator[int]:
    """Patches of each chunk of whole frames, as the tower cuts them."""
    frame = grid.h * grid.w
    step = max(1, CHUNK_PATCHES[device] // frame)
    for start in range(0, grid.t, step):
        yield min(step, grid.t - start) * frame
