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


def vision_rope(coords_2: Tensor, config: VisionConfig) -> Rope:
    """(row, column) of every patch, (..., 2), to angles (..., D): rows first, then columns."""
    inverse = frequencies(config.head_dim // 2, VISION_THETA, coords_2.device)
    angles_d = (coords_2[..., None].float() * inverse).flatten(-2)
    angles_D = torch.cat((angles_d, angles_d), dim=-1)
    return Rope(angles_D.cos(), angles_D.sin())


def text_rope(positions_3BS: Tensor, config: TextConfig, dtype: torch.dtype) -> Rope:
    """Position ids (3, B, S) to angles (B, 1, S, D) in the model's type, formed in float32.

    Frequency j follows the time id for the first section, the row id for the second, the column id
    for the third: chunks, not interleaved.
    """
    inverse = frequencies(config.head_dim, config.rope_theta, positions_3BS.device)
    # Cut up by sizes known on the host: an index of axes on the device would stall it every token.
    sections = inverse.split(list(config.mrope_section))
    by_axis = [
        ids_BS[..., None].float() * own for ids_BS, own in zip(positions_3BS, sections, strict=True)
    ]
    angles_BSd = torch.cat(by_axis, dim=-1)
    angles_B1SD = torch.cat((angles_BSd, angles_BSd), dim=-1)[:, None]
    return Rope(angles_B1SD.cos().to(dtype), angles_B1SD.sin().to(dtype))
