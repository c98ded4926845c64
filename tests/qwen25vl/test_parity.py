"""The same weights in transformers give the same numbers: tower, scores, replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from qwen25vl import (
    Grid,
    KVCache,
    ModelConfig,
    Qwen25VL,
    VideoInput,
    VisionRun,
    generate,
    position_ids,
    uniform_rows,
)

# Frames whose windows are whole, ragged on one side, ragged on both, and smaller than a window.
GRIDS = [
    [Grid(1, 8, 8)],
    [Grid(2, 16, 16)],
    [Grid(1, 20, 36)],
    [Grid(3, 12, 20)],
    [Grid(2, 10, 18)],
    [Grid(1, 24, 46)],
    [Grid(2, 30, 52)],
    [Grid(2, 4, 6), Grid(1, 10, 18), Grid(3, 4, 6), Grid(1, 2, 2)],
]
SHAPES: dict[str, dict[str, Any]] = {
    "grouped": {},
    "tied": {"tied": True, "heads": 2},
    "seven to one": {"heads": 7, "kv_heads": 1, "head_dim": 8},
    "no windows": {"full": (0, 1, 2, 3), "vision_heads": 3},
    "one big window": {"window": 448, "full": ()},
}


def patches_for(grids: Sequence[Grid], config: ModelConfig) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    rows = sum(grid.patches for grid in grids)
    return torch.randn(rows, config.vision.patch_dim, generator=generator)


def prompt_for(grid: Grid, config: ModelConfig, kind: str = "video") -> list[int]:
    pad = config.video_token_id if kind == "video" else config.image_token_id
    pads = [pad] * grid.tokens(config.vision)
    start, end = config.vision_start_token_id, config.vision_end_token_id
    return [5, 6, start, *pads, end, 7, 8, 9, 20]


def reference_vision(network: Any, patches_NP: Tensor, grids: Sequence[Grid]) -> Tensor:
    out = network.model.visual(patches_NP, grid_thw=torch.tensor([list(g) for g in grids]))
    tokens: Tensor = getattr(out, "pooler_output", out)
    return tokens


@pytest.mark.parametrize("grids", GRIDS, ids=str)
@torch.no_grad()
def test_tower_equals_transformers(grids, twins, make_config):
    config = make_config()
    model, network = twins(config)
    patches_NP = patches_for(grids, config)
    difference = model.vision(patches_NP, grids) - reference_vision(network, patches_NP, grids)
    assert difference.abs().max() <= 1e-5


@pytest.mark.parametrize("shape", SHAPES)
@torch.no_grad()
def test_scores_of_a_video_prompt_equal_transformers(shape, twins, make_config):
    config = make_config(**SHAPES[shape])
    model, network = twins(config)
    grid = Grid(3, 10, 18)
    ids, video, positions_31S = _video_prompt(grid, config)
    ours = model(torch.tensor([ids]), positions_31S, [video])
    theirs = network(**_reference_inputs(ids, video, positions_31S)).logits
    assert theirs.abs().max() > 0.5  # the comparison below is not one of zeros
    assert (ours - theirs).abs().max() <= 1e-4


@torch.no_grad()
def test_scores_of_an_image_prompt_equal_transformers(twins, make_config):
    config = make_config()
    model, network = twins(config)
    grid = Grid(1, 4, 6)
    ids = prompt_for(grid, config, "image")
    positions_31S = position_ids(ids, [VisionRun(grid, (0.0,))], config)[:, None]
    patches_NP = patches_for([grid], config)
    image = VideoInput(patches_NP=patches_NP, grid=grid, row_seconds=(0.0,))
    ours = model(torch.tensor([ids]), positions_31S, [image])
    inputs = torch.tensor([ids])
    theirs = network(
        input_ids=inputs,
        attention_mask=torch.ones_like(inputs),
        pixel_values=patches_NP,
        image_grid_thw=torch.tensor([list(grid)]),
        position_ids=positions_31S,
    ).logits
    assert (ours - theirs).abs().max() <= 1e-4


@torch.no_grad()
def test_scores_of_a_batch_of_text_equal_transformers(twins, make_config):
    config = make_config()
    model, network = twins(config)
    ids_BS = torch.randint(20, 200, (3, 17), generator=torch.Generator().manual_seed(1))
    positions_3BS = torch.arange(17).expand(3, 3, 17)
    theirs = network(input_ids=ids_BS, position_ids=positions_3BS).logits
    assert (model(ids_BS, positions_3BS) - theirs).abs().max() <= 1e-4


@pytest.mark.parametrize("shape", ["grouped", "tied", "seven to one"])
@torch.no_grad()
def test_32_greedy_tokens_equal_transformers(shape, twins, make_config):
    config = make_config(**SHAPES[shape])
    model, network = twins(config)
    ids, video, positions_31S = _video_prompt(Grid(2, 4, 6), config)
    ours = generate(
        model,
        model.embed_prompt(torch.tensor([ids]), model.encode([video])),
        positions_31S,
        max_new_tokens=32,
        stop_ids=(),
    )
    theirs = network.generate(
        **_reference_inputs(ids, video, positions_31S),
        max_new_tokens=32,
        min_new_tokens=32,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    assert ours.ids == theirs[0, len(ids) :].tolist()


@torch.no_grad()
def test_one_video_alone_and_among_others_gives_the_same_tokens(make_model, make_config):
    model: Qwen25VL = make_model(make_config())
    grids = [Grid(2, 10, 18), Grid(3, 4, 6), Grid(1, 10, 18)]
    patches_NP = patches_for(grids, model.config)
    together = model.vision(patches_NP, grids)
    pieces = patches_NP.split([grid.patches for grid in grids])
    alone = [model.vision(piece, [grid]) for piece, grid in zip(pieces, grids, strict=True)]
    assert (together - torch.cat(alone)).abs().max() <= 1e-5


@torch.no_grad()
def test_chunks_of_frames_change_nothing(make_model, make_config):
    model: Qwen25VL = make_model(make_config())
    patches_NP = patches_for([Grid(7, 10, 18)], model.config)
    whole = model.vision(patches_NP, [Grid(7, 10, 18)])
    by_frame = model.vision(patches_NP, [Grid(7, 10, 18)], chunk_patches=1)
    assert (whole - by_frame).abs().max() <= 1e-5


@pytest.mark.parametrize("chunk", [1, 7, 64])
@torch.no_grad()
def test_prefill_in_chunks_through_the_cache_equals_one_pass(chunk, make_model, make_config):
    config = make_config()
    model: Qwen25VL = make_model(config)
    ids, video, positions_31S = _video_prompt(Grid(3, 10, 18), config)
    embeds_1SD = model.embed_prompt(torch.tensor([ids]), model.encode([video]))
    whole_1SD = model.text(embeds_1SD, positions_31S)
    cache = KVCache(config.text, len(ids))
    parts = [
        model.text(embeds, positions, cache=cache)
        for embeds, positions in zip(
            embeds_1SD.split(chunk, dim=1), positions_31S.split(chunk, dim=2), strict=True
        )
    ]
    assert cache.length == len(ids)
    assert (torch.cat(parts, dim=1) - whole_1SD).abs().max() <= 1e-5


def _video_prompt(grid: Grid, config: ModelConfig) -> tuple[list[int], VideoInput, Tensor]:
    ids, rows = prompt_for(grid, config), uniform_rows(grid.t, 1.5)
    patches_NP = patches_for([grid], config)
    video = VideoInput(patches_NP=patches_NP, grid=grid, row_seconds=rows)
    return ids, video, position_ids(ids, [video.run], config)[:, None]


def _reference_inputs(ids: list[int], video: VideoInput, positions_31S: Tensor) -> dict[str, Any]:
    inputs = torch.tensor([ids])
    return {
        "input_ids": inputs,
        "attention_mask": torch.ones_like(inputs),
        "pixel_values_videos": video.patches_NP,
        "video_grid_thw": torch.tensor([list(video.grid)]),
        "position_ids": positions_31S,
    }
