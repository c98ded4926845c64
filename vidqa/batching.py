"""Short prompts of many windows in, one vector or one choice each out: those alike run together.

Prompts of one length make a batch without padding, so each gets what it would get alone. Axes: N
prompts, B batch, S prompt tokens, D decoder width, C choices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from qwen25vl import Prompt, Qwen25VL
from qwen25vl.embedding import whole_of

BATCH_TOKENS = 24_576
"""Most prompt tokens in one batch: what one pass over a video may have."""


@torch.inference_mode()
def last_states(model: Qwen25VL, prompts: Sequence[Prompt], *, before_mlp: bool) -> Tensor:
    """The last token's state of every prompt, (N, D) float32 on the host; see ``last_state``."""
    found_ND = torch.zeros(len(prompts), model.config.text.hidden_size)
    for rows, embeds_BSD, positions_3BS in batches(prompts):
        state_BD = model.text.last_state(embeds_BSD, positions_3BS, before_mlp=before_mlp)
        found_ND[rows] = state_BD.float().cpu()
    return found_ND


@torch.inference_mode()
def first_tokens(model: Qwen25VL, prompts: Sequence[Prompt], choices: Sequence[int]) -> Tensor:
    """How probable each token is as a reply's first, among ``choices``: (N, C), rows sum to 1."""
    found_NC = torch.zeros(len(prompts), len(choices))
    for rows, embeds_BSD, positions_3BS in batches(prompts):
        hidden_BD = model.text.last_state(embeds_BSD, positions_3BS, before_mlp=False)
        found_NC[rows] = model.logits(hidden_BD)[:, list(choices)].float().softmax(-1).cpu()
    return found_NC


def batches(prompts: Sequence[Prompt]) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Prompts of one length, :data:`BATCH_TOKENS` at most: numbers, embeddings, positions."""
    alike: dict[int, list[int]] = defaultdict(list)
    for number, prompt in enumerate(prompts):
        alike[prompt.embeds_1SD.shape[1]].append(number)
    for length, numbers in alike.items():
        most = max(1, BATCH_TOKENS // length)
        for at in range(0, len(numbers), most):
            rows = numbers[at : at + most]
            embeds = torch.cat([whole_of(prompts[n].embeds_1SD) for n in rows])
            yield rows, embeds, torch.cat([prompts[n].positions_31S for n in rows], dim=1)
