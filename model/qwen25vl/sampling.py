"""How the next token is taken from its log-probabilities: the best one, or a seeded draw.

Axes: R rows (independent replies), V rows of the embedding table.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qwen25vl.errors import PromptError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Greedy unless a temperature is given; raises PromptError for values that make no sense."""

    temperature: float = 0.0
    """0 takes the most probable token; above, log-probabilities are divided by it."""
    top_p: float = 1.0
    """Draw from the fewest tokens whose probabilities reach this sum, (0, 1]; 1 is all."""
    top_k: int = 0
    """Draw from this many most probable tokens; 0 is all. Cut before ``top_p``."""
    seed: int | None = None
    """The same seed gives the same draws on the same kind of device; None is new every time."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < float("inf"):
            _refuse("temperature", self.temperature, "at least 0, and finite; 0 is greedy")
        if not 0.0 < self.top_p <= 1.0:
            _refuse("top_p", self.top_p, "above 0, at most 1")
        if self.top_k < 0:
            _refuse("top_k", self.top_k, "at least 0; 0 is all tokens")
        if self.seed is not None and not -(2**63) <= self.seed < 2**64:
            _refuse("seed", self.seed, "a whole number of 64 bits")


GREEDY = Sampling()


class Picker:
    """Takes one token per row; every row draws as it would alone, from a source of its own."""

    def __init__(
        self, sampling: Sampling, rows: int, device: torch.device, vocab: int | None
    ) -> None:
        if vocab is not None and vocab < 1:
            _refuse("vocab", vocab, "the number of the tokenizer's tokens")
        self._sampling, self._vocab = sampling, vocab
        drawn = rows if sampling.temperature > 0 else 0
        self._sources = [_source(sampling.seed, device) for _ in range(drawn)]

    def __call__(self, scores_RV: Tensor) -> Tensor:
        """Log-probabilities (R, V) to token ids (R,), on the device and without a sync.

        Only the first ``vocab`` tokens are taken: rows of the embedding table beyond the tokenizer
        are padding.
        """
        known_RV = scores_RV[:, : self._vocab]
        if not self._sources:
            return known_RV.argmax(-1)
        # The exponential race: the first of V clocks that tick at rate p rings at p's chance.
        clocks_RV = torch.stack([_clocks(row_V, source) for row_V, source in self._raced(known_RV)])
        return (drawn_from(known_RV, self._sampling).exp() / clocks_RV).argmax(-1)

    def _raced(self, scores_RV: Tensor) -> list[tuple[Tensor, torch.Generator]]:
        return list(zip(scores_RV, self._sources, strict=True))


def drawn_from(scores_RV: Tensor, sampling: Sampling) -> Tensor:
    """Log-probabilities of the draw, (R, V): tempered, cut to the top k, then to the top p."""
    scaled_RV = (scores_RV / sampling.temperature).log_softmax(-1)
    if 0 < sampling.top_k < scaled_RV.shape[-1]:
        kept_Rk, at_Rk = scaled_RV.topk(sampling.top_k)
        cut_RV = torch.full_like(scaled_RV, -torch.inf)
        scaled_RV = cut_RV.scatter(-1, at_Rk, kept_Rk).log_softmax(-1)
    return scaled_RV if sampling.top_p == 1.0 else _nucleus(scaled_RV, sampling.top_p)


def _nucleus(scores_RV: Tensor, top_p: float) -> Tensor:
    """Keeps a token while those before it have not reached ``top_p``, so always the best one."""
    sorted_RV, at_RV = scores_RV.sort(dim=-1, descending=True)
    mass_RV = sorted_RV.exp()
    before_RV = mass_RV.cumsum(-1) - mass_RV
    kept_RV = sorted_RV.masked_fill(before_RV >= top_p, -torch.inf)
    return torch.empty_like(scores_RV).scatter(-1, at_RV, kept_RV).log_softmax(-1)


def _clocks(like_V: Tensor, source: torch.Generator) -> Tensor:
    return torch.empty_like(like_V).exponential_(generator=source)


def _source(seed: int | None, device: torch.device) -> torch.Generator:
    source = torch.Generator(device)
    if seed is None:
        source.seed()
    else:
        source.manual_seed(seed)
    return source


def _refuse(name: str, value: float, wanted: str) -> None:
    raise PromptError(f"{name} is {value}", next_step=f"{name} is {wanted}")
