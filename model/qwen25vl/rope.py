"""Rotary angles: rows and columns of patches for the tower, time-row-column ids for the decoder.

Axes: B batch, S sequence, L patches of a frame, D head dim. Frequencies and angles are formed in
float32 at every call rather than kept as buffers: a buffer would follow ``model.to(bfloat16)``,
and ids above 256 do not survive that.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from qwen25vl.config import TextConfig, VisionConfig

VISION_THETA = 10_000.0


class Rope(NamedTuple):
    """Cosines and sines, each already doubled to the full head dim."""

    cos: Tensor
    sin: Tensor


def frequencies(size: int, theta: float, device: torch.device) -> Tensor:
    """theta ** (-2i / size) for i in [0, size / 2), float32."""
    exponent = torch.arange(0, size, 2, device=device).float() / size
    inverse: Tensor = 1.0 / theta**exponent
    return inverse


def vision_rope(coords_L2: Tensor, config: VisionConfig) -> Rope:
    """(row, column) of every patch, (L, 2), to angles (L, D): rows first, then columns."""
    inverse = frequencies(config.head_dim // 2, VISION_THETA, coords_L2.device)
    angles_LD = (coords_L2[:, :, None].float() * inverse).flatten(1).repeat(1, 2)
    return Rope(angles_LD.cos(), angles_LD.sin())


def text_rope(positions_3BS: Tensor, config: TextConfig, dtype: torch.dtype) -> Rope:
    """Position ids (3, B, S) to angles (B, 1, S, D) in the model's type, formed in float32.

    Frequency j follows the time id for the first section, the row id for the second, the column id
    for the third: chunks, not interleaved.
    """
    device = positions_3BS.device
    axis_d = torch.repeat_interleave(
        torch.arange(3, device=device),
        torch.tensor(config.mrope_section, device=device),
        output_size=config.head_dim // 2,
    )
    inverse = frequencies(config.head_dim, config.rope_theta, device)
    angles_BSd = positions_3BS.permute(1, 2, 0)[..., axis_d].float() * inverse
    angles_B1SD = torch.cat((angles_BSd, angles_BSd), dim=-1)[:, None]
    return Rope(angles_B1SD.cos().to(dtype), angles_B1SD.sin().to(dtype))
