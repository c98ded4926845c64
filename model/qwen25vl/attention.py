"""Grouped-query attention of the decoder: never all S x T scores of a long prompt at once.

Axes: B batch, S new tokens, T tokens attended to (cached and new), H query heads, K key heads,
Q queries of one key head, D head dim.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

FOLDED_QUERIES = 64
"""Most queries whose masks are repeated for every head of a group."""
_WITH_SUMS = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001
"""The kernel that scaled_dot_product_attention runs on a processor; it also tells, for every
query, the logarithm of the sum of its exponentiated scores."""


def attend(
    q_BHSD: Tensor, k_BKTD: Tensor, v_BKTD: Tensor, mask: Tensor | None, *, causal: bool
) -> Tensor:
    """Attention (B, H, S, D); causal means that the S queries are the last of the T tokens.

    Few queries, as in decoding: the heads that share a key become more queries of that key, so
    keys and values are read once a group and need neither repeating nor a grouped kernel.
    """
    past = k_BKTD.shape[2] - q_BHSD.shape[2]
    if causal and past:
        if _tells_sums(q_BHSD):
            return _attend_behind(q_BHSD, k_BKTD, v_BKTD, past)
        mask, causal = causal_mask(q_BHSD, past), False
    groups = q_BHSD.shape[1] // k_BKTD.shape[1]
    if groups > 1 and not causal and q_BHSD.shape[2] <= FOLDED_QUERIES:
        return _attend_folded(q_BHSD, k_BKTD, v_BKTD, mask, groups)
    if repeats_keys(q_BHSD.device.type, q_BHSD.dtype, masked=mask is not None):
        k_BKTD = k_BKTD.repeat_interleave(groups, dim=1)
        v_BKTD = v_BKTD.repeat_interleave(groups, dim=1)
    grouped = q_BHSD.shape[1] != k_BKTD.shape[1]
    return F.scaled_dot_product_attention(
        q_BHSD, k_BKTD, v_BKTD, attn_mask=mask, is_causal=causal, enable_gqa=grouped
    )


def causal_mask(like: Tensor, past: int) -> Tensor:
    """(S, past + S), True where one of the S queries ``like`` (..., S, D) may attend."""
    new = like.shape[-2]
    allowed = torch.ones(new, past + new, dtype=torch.bool, device=like.device)
    return allowed.tril(diagonal=past)


def repeats_keys(device: str, dtype: torch.dtype, *, masked: bool) -> bool:
    """Whether grouped keys must be repeated for a kernel that never holds all S x T scores.

    On CUDA the one such kernel that takes grouped heads wants a 16-bit type and no mask; otherwise
    torch would fall back on one that needs 69 GB a layer for 24,576 tokens and 28 heads.
    """
    return device == "cuda" and (masked or dtype.itemsize > 2)


def _tells_sums(q_BHSD: Tensor) -> bool:
    """The kernel's sums have no gradient, and only processors have the kernel."""
    return q_BHSD.device.type == "cpu" and not torch.is_grad_enabled()


def _attend_behind(q_BHSD: Tensor, k_BKTD: Tensor, v_BKTD: Tensor, past: int) -> Tensor:
    """Attention to what is cached and to the new tokens apart, weighed by their sums.

    A mask of S x T would weigh more than the chunk it is for, and half of the new square would be
    computed for nothing.
    """
    old_BHSD, old_BHS = _all_of(q_BHSD, k_BKTD[:, :, :past], v_BKTD[:, :, :past])
    new_BHSD, new_BHS = _WITH_SUMS(q_BHSD, k_BKTD[:, :, past:], v_BKTD[:, :, past:], is_causal=True)
    share_BHS1 = torch.sigmoid(old_BHS - new_BHS).to(q_BHSD.dtype)[..., None]
    return torch.lerp(new_BHSD, old_BHSD, share_BHS1)


def _all_of(q_BHSD: Tensor, k_BKTD: Tensor, v_BKTD: Tensor) -> tuple[Tensor, Tensor]:
    """Attention without a mask (B, H, S, D), and the logarithms of the sums (B, H, S)."""
    heads, queries = q_BHSD.shape[1:3]
    if queries > FOLDED_QUERIES:
        out_BHSD, sums_BHS = _WITH_SUMS(q_BHSD, k_BKTD, v_BKTD)
        return out_BHSD, sums_BHS
    folded_BKQD = q_BHSD.unflatten(1, (k_BKTD.shape[1], -1)).flatten(2, 3)
    out_BKQD, sums_BKQ = _WITH_SUMS(folded_BKQD, k_BKTD, v_BKTD)
    return (
        out_BKQD.unflatten(2, (-1, queries)).flatten(1, 2),
        sums_BKQ.unflatten(2, (-1, queries)).reshape(-1, heads, queries),
    )


def _attend_folded(
    q_BHSD: Tensor, k_BKTD: Tensor, v_BKTD: Tensor, mask: Tensor | None, groups: int
) -> Tensor:
    queries = q_BHSD.shape[2]
    folded_BKQD = q_BHSD.unflatten(1, (-1, groups)).flatten(2, 3)
    if mask is not None and queries > 1:
        mask = mask.repeat(*[1] * (mask.ndim - 2), groups, 1)
    out_BKQD = F.scaled_dot_product_attention(folded_BKQD, k_BKTD, v_BKTD, attn_mask=mask)
    out_BHSD: Tensor = out_BKQD.unflatten(2, (groups, queries)).flatten(1, 2)
    return out_BHSD
