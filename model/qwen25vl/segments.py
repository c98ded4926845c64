"""Attention of the tower: every run of patches (a window, a frame) attends to itself.

Axes: N patches of a chunk, L patches of a run, R runs of that length, H heads, D head dim,
d = D / 2 pairs, 3 and 2 for queries, keys (and values).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from qwen25vl.rope import Rope
from qwen25vl.windows import Segments

FEW_PATCHES = 64
"""Longest run whose scores a processor forms whole: 64 x 64 of them stay in its cache, and two
products with a softmax between take half the time of the kernel that never holds them."""


class Turned(NamedTuple):
    """Runs of one length, with how queries and keys at each of their patches are turned."""

    runs: Segments
    turn_2RLd: Tensor
    """Complex numbers (2, R, 1, L, d) of length D ** -0.5 for queries, of length 1 for keys."""


def turned(runs: Segments, rope: Rope) -> Turned:
    """With tables (N, D) of the chunk; their halves are the same angles."""
    cos_Nd, sin_Nd = (table_ND.chunk(2, dim=1)[0] for table_ND in rope)
    place_Nd = torch.complex(cos_Nd, sin_Nd)
    own_Rd = place_Nd.narrow(0, runs.start, runs.runs * runs.length)
    own_R1Ld = own_Rd.unflatten(0, (runs.runs, 1, runs.length))
    return Turned(runs, torch.stack((own_R1Ld * rope.cos.shape[1] ** -0.5, own_R1Ld)))


def attend_within(qkv_N3HD: Tensor, same: Turned) -> Tensor:
    """What the patches of these runs gather, (R * L, H * D).

    One copy puts the heads outside; every later step then runs over whole runs of memory.
    """
    start, runs, length = same.runs
    own_RL3HD = qkv_N3HD.narrow(0, start, runs * length).unflatten(0, (runs, length))
    own_3RHLD = own_RL3HD.permute(2, 0, 3, 1, 4).contiguous()
    q_RHLD, k_RHLD = _turn(own_3RHLD[:2], same.turn_2RLd)
    gathered_RHLD = _gather(q_RHLD, k_RHLD, own_3RHLD[2])
    return gathered_RHLD.transpose(1, 2).flatten(2).flatten(0, 1)


def _turn(qk_2RHLD: Tensor, turn_2RLd: Tensor) -> Tensor:
    """Pairs (d, d + D/2) as complex numbers times ``turn``, in float32.

    They come out side by side, (0, D/2, 1, ...): the same in queries and keys, so no score changes.
    """
    pairs_2RHLd = torch.complex(*qk_2RHLD.float().chunk(2, dim=-1)).mul_(turn_2RLd)
    return torch.view_as_real(pairs_2RHLd).flatten(-2).to(qk_2RHLD.dtype)


def _gather(q_RHLD: Tensor, k_RHLD: Tensor, v_RHLD: Tensor) -> Tensor:
    """Attention of queries that are scaled already."""
    if not _is_short(q_RHLD):
        return F.scaled_dot_product_attention(q_RHLD, k_RHLD, v_RHLD, scale=1.0)
    q_BLD, k_BLD, v_BLD = (each.flatten(0, 1) for each in (q_RHLD, k_RHLD, v_RHLD))
    weights_BLL = torch.bmm(q_BLD, k_BLD.mT).softmax(-1)
    return torch.bmm(weights_BLL, v_BLD).view_as(q_RHLD)


def _is_short(q_RHLD: Tensor) -> bool:
    """Float32 in host memory: 16-bit scores would be rounded before the softmax."""
    plain = q_RHLD.device.type == "cpu" and q_RHLD.dtype == torch.float32
    return plain and q_RHLD.shape[2] <= FEW_PATCHES
