"""What parity is tried on: random tiny networks, and prompts that mix text, images and videos.

Axes: S tokens of a prompt, B prompts, N patches, P numbers per patch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from qwen25vl import Grid, ModelConfig, TextConfig, VideoInput, VisionConfig, position_ids
from qwen25vl.positions import Mode, uniform_rows

IMAGE_PAD, VIDEO_PAD, VISION_START, VISION_END = 10, 11, 12, 13
FIRST_WORD, VOCABULARY = 20, 200
SEEDS = tuple(range(10))
"""Of the random shapes; odd ones are tied, every third has seven query heads to one."""


def random_config(seed: int) -> ModelConfig:
    """A network of the architecture, every size drawn; no two of :data:`SEEDS` are alike."""
    draw = random.Random(seed)
    head_dim, kv_heads = draw.choice([8, 12, 16, 32]), draw.choice([1, 2])
    heads = kv_heads * (7 if seed % 3 == 0 else draw.choice([1, 2, 3]))
    return ModelConfig(
        vision=_random_tower(draw, heads * head_dim),
        text=TextConfig(
            vocab_size=VOCABULARY,
            hidden_size=heads * head_dim,
            intermediate_size=draw.randint(20, 99),
            num_hidden_layers=draw.randint(1, 4),
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            head_dim=head_dim,
            rms_norm_eps=draw.choice([1e-6, 1e-5]),
            rope_theta=draw.choice([1e4, 1e6]),
            mrope_section=_random_sections(draw, head_dim // 2),
            max_position_embeddings=4096,
        ),
        image_token_id=IMAGE_PAD,
        video_token_id=VIDEO_PAD,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
        tie_word_embeddings=seed % 2 == 1,
    )


def _random_tower(draw: random.Random, out: int) -> VisionConfig:
    depth, heads = draw.randint(2, 5), draw.choice([1, 2, 3])
    return VisionConfig(
        depth=depth,
        hidden_size=heads * draw.choice([8, 12, 20]),
        num_heads=heads,
        intermediate_size=draw.randint(20, 99),
        out_hidden_size=out,
        patch_size=14,
        temporal_patch_size=2,
        spatial_merge_size=2,
        window_size=draw.choice([56, 112, 112, 168, 448]),
        fullatt_block_indexes=tuple(sorted(draw.sample(range(depth), draw.randint(0, depth - 1)))),
        tokens_per_second=float(draw.choice([1, 2, 2, 4, 25])),
    )


def _random_sections(draw: random.Random, total: int) -> tuple[int, int, int]:
    """``total`` frequencies shared out among time, row and column, at least one each."""
    first, second = sorted(draw.sample(range(1, total), 2))
    return first, second - first, total - second


class Seen(NamedTuple):
    """A video, or an image: a video of one row that carries another pad."""

    kind: str
    grid: Grid
    row_interval_s: float = 0.0


LONG = Seen("video", Grid(3, 10, 18), 9.375)
SHORT = Seen("video", Grid(4, 4, 6), 0.5)
WIDE = Seen("image", Grid(1, 4, 20))
DOT = Seen("image", Grid(1, 2, 2))
MIXES = {
    "videos and images": (LONG, SHORT, WIDE, DOT),
    "images around videos": (DOT, SHORT, LONG, WIDE),
    "in turns": (SHORT, WIDE, LONG, DOT),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """One prompt, ready for either network."""

    ids: list[int]
    videos: list[VideoInput]
    """In order of appearance."""
    kinds: list[str]
    intervals_s: list[float]
    """Seconds per row of the videos, images left out."""
    config: ModelConfig

    def positions(self, mode: Mode = "reference") -> Tensor:
        """Position ids (3, 1, S)."""
        runs = [video.run for video in self.videos]
        return position_ids(self.ids, runs, self.config, mode=mode)[:, None]

    @property
    def ids_1S(self) -> Tensor:
        return torch.tensor([self.ids])


def make_scene(
    seen: Sequence[Seen], config: ModelConfig, *, seed: int = 0, words: int = 4
) -> Scene:
    """``words`` random words before, between and after the inputs; pixels are random too."""
    source = torch.Generator().manual_seed(seed)
    ids: list[int] = _words(words, source)
    videos = []
    for kind, grid, interval_s in seen:
        pad = VIDEO_PAD if kind == "video" else IMAGE_PAD
        pads = [pad] * grid.tokens(config.vision)
        ids += [VISION_START, *pads, VISION_END, *_words(words, source)]
        patches_NP = torch.randn(grid.patches, config.vision.patch_dim, generator=source)
        rows = uniform_rows(grid.t, interval_s)
        videos.append(VideoInput(patches_NP=patches_NP, grid=grid, row_seconds=rows))
    kinds = [kind for kind, _, _ in seen]
    intervals = [s for kind, _, s in seen if kind == "video"]
    return Scene(ids, videos, kinds, intervals, config)


def _words(count: int, source: torch.Generator) -> list[int]:
    drawn: list[int] = torch.randint(FIRST_WORD, VOCABULARY, (count,), generator=source).tolist()
    return drawn


def padded_left(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids (B, S), positions (3, B, S) and which tokens are real, bool (B, S)."""
    longest = max(len(scene.ids) for scene in scenes)
    ids = torch.full((len(scenes), longest), 0)
    positions = torch.zeros(3, len(scenes), longest, dtype=torch.int64)
    real = torch.zeros(len(scenes), longest, dtype=torch.bool)
    for row, scene in enumerate(scenes):
        start = longest - len(scene.ids)
        ids[row, start:] = scene.ids_1S
        positions[:, row, start:] = scene.positions()[:, 0]
        real[row, start:] = True
    return ids, positions, real


def for_transformers(scenes: Sequence[Scene], *, explicit: bool = True) -> dict[str, Any]:
    """Keyword arguments of its ``forward`` and ``generate``; our position ids if ``explicit``."""
    ids_BS, positions_3BS, real_BS = padded_left(scenes)
    inputs: dict[str, Any] = {"input_ids": ids_BS, "attention_mask": real_BS.long()}
    names = {"image": ("pixel_values", "image_grid_thw")}
    names["video"] = ("pixel_values_videos", "video_grid_thw")
    for kind, (pixels, grids) in names.items():
        chosen = [v for s in scenes for v, k in zip(s.videos, s.kinds, strict=True) if k == kind]
        if chosen:
            inputs[pixels] = torch.cat([video.patches_NP for video in chosen])
            inputs[grids] = torch.tensor([list(video.grid) for video in chosen])
    if explicit:
        return inputs | {"position_ids": positions_3BS}
    types_BS = (ids_BS == IMAGE_PAD).int() + 2 * (ids_BS == VIDEO_PAD).int()
    intervals = [s for scene in scenes for s in scene.intervals_s]
    return inputs | {"mm_token_type_ids": types_BS, "second_per_grid_ts": torch.tensor(intervals)}
