"""What is known of one answer beside its times; plain values, no numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass

_LEAST = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of one answer, each an ordering within a checkpoint."""

    digits: float
    """Geometric mean of the probabilities of the digits that were written."""
    yes: float | None = None
    """Probability of a yes to the window, among yes and no; ``None`` where it was not asked."""
    agreement: float | None = None
    """Mean overlap of several looks; ``None`` of one alone."""

    @property
    def score(self) -> float:
        """Geometric mean of those that are known: an ordering, not a probability."""
        known = [v for v in (self.digits, self.yes, self.agreement) if v is not None]
        return math.exp(sum(math.log(max(v, 1e-9)) for v in known) / len(known))

    @property
    def features(self) -> list[float]:
        """What the logistic regression weighs, (F,): the first is for its constant."""
        yes = 0.5 if self.yes is None else self.yes
        agreed = 0.0 if self.agreement is None else 1.0
        return [1.0, _logit(self.digits), _logit(yes), self.agreement or 0.0, agreed]


def _logit(chance: float) -> float:
    inside = min(max(chance, _LEAST), 1 - _LEAST)
    return math.log(inside / (1 - inside))
