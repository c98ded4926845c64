"""The loss that draws a clip and what is told of it together, and everything else apart.

Axes: E clips and N texts of a step (each clip's true text first), Q remembered ones, D width,
C claims: the (kind, colour) pairs that can happen. A text is true of a clip when all it claims
happens there, whichever clip it was told of; such a text is no negative. A step's clips and texts
are remembered for the next ones, so that a small batch still has a few hundred negatives.
That alone is learnt slowly, one pair at a time; so a helper also reads off every vector, by one
head for clips and texts, which pairs happen in the clip or are claimed by the text.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vidqa_nano.queries import COLUMN, happening
from vidqa_nano.windows import Sample

TEMPERATURE = 0.05
REMEMBERED = 192
TRUE_WEIGHT = 10.0
"""What a pair counts that happens or is claimed, where one that does not counts 1."""


def claims(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """What happens in each embedded clip (E, C), and what each text claims (N, C), as 0 and 1."""
    told = [sample for sample in samples if sample.texts]
    happens = torch.zeros(len(told), len(COLUMN))
    for row, sample in enumerate(told):
        happens[row, [COLUMN[pair] for pair in happening(sample.events) & COLUMN.keys()]] = 1.0
    texts = [text for sample in told for text in sample.texts]
    claimed = torch.zeros(len(texts), len(COLUMN))
    for row, text in enumerate(texts):
        claimed[row, [COLUMN[pair] for pair in text.claims & COLUMN.keys()]] = 1.0
    return happens, claimed


class Memory(nn.Module):
    """The last clips and texts that were seen: vectors without gradient, and what is so in them."""

    clip_QD: Tensor
    happens_QC: Tensor
    text_QD: Tensor
    claims_QC: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        for name, size in (("clip_QD", width), ("happens_QC", len(COLUMN))):
            self.register_buffer(name, torch.zeros(0, size))
        for name, size in (("text_QD", width), ("claims_QC", len(COLUMN))):
            self.register_buffer(name, torch.zeros(0, size))

    def remember(self, clip: Tensor, happens: Tensor, text: Tensor, claimed: Tensor) -> None:
        """Put a step's in front and forget the oldest."""
        self.clip_QD = torch.cat([clip.detach(), self.clip_QD])[:REMEMBERED]
        self.happens_QC = torch.cat([happens, self.happens_QC])[:REMEMBERED]
        self.text_QD = torch.cat([text.detach(), self.text_QD])[:REMEMBERED]
        self.claims_QC = torch.cat([claimed, self.claims_QC])[:REMEMBERED]

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over a saved state, however much it holds."""
        for name, value in state.items():
            setattr(self, name, value.to(getattr(self, name).device))


def contrast_loss(
    memory: Memory, clip_ED: Tensor, happens_EC: Tensor, text_ND: Tensor, claims_NC: Tensor
) -> Tensor:
    """Mean over both directions of -log(share of the own one among all that are not as true)."""
    per_clip = len(text_ND) // len(clip_ED)
    own = torch.arange(len(clip_ED), device=clip_ED.device)
    texts, claimed = torch.cat([text_ND, memory.text_QD]), torch.cat([claims_NC, memory.claims_QC])
    clips = torch.cat([clip_ED, memory.clip_QD])
    happens = torch.cat([happens_EC, memory.happens_QC])
    to_text = _scores(clip_ED @ texts.T, untrue(claimed, happens_EC).T, own * per_clip)
    mine, said = text_ND[::per_clip], claims_NC[::per_clip]
    to_clip = _scores(mine @ clips.T, untrue(said, happens), own)
    both: Tensor = F.cross_entropy(to_text, own * per_clip) + F.cross_entropy(to_clip, own)
    return both / 2


def told_loss(
    head: nn.Module, clip_ED: Tensor, happens_EC: Tensor, text_ND: Tensor, claims_NC: Tensor
) -> Tensor:
    """What ``head`` reads off the vectors: summed over clips, with the mean of each one's texts."""

    def misread(vectors_ND: Tensor, true_NC: Tensor) -> Tensor:
        weights_NC = 1 + (TRUE_WEIGHT - 1) * true_NC
        scores_NC = head(vectors_ND * vectors_ND.shape[1] ** 0.5)
        return F.binary_cross_entropy_with_logits(scores_NC, true_NC, weights_NC, reduction="sum")

    per_clip = max(1, len(text_ND) // max(1, len(clip_ED)))
    return misread(clip_ED, happens_EC) + misread(text_ND, claims_NC) / per_clip


def untrue(claims_NC: Tensor, happens_EC: Tensor) -> Tensor:
    """(N, E): whether a text claims something that does not happen in a clip."""
    return claims_NC @ (1 - happens_EC).T > 0


def _scores(cosines: Tensor, wrong: Tensor, own: Tensor) -> Tensor:
    """Scores of the own one and of the wrong ones; the others are out of it."""
    kept = wrong.clone()
    kept[torch.arange(len(own), device=own.device), own] = True
    return (cosines / TEMPERATURE).masked_fill(~kept, -torch.inf)
