"""What may follow in a reply, for ``generate`` to keep to.

Axes: V rows of the embedding table.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Constraint(Protocol):
    """Which tokens may follow; told every token that was taken. Lives on the host."""

    def allowed(self) -> Tensor:
        """bool (V,) on the CPU, at least one token; stop ids where the reply may end."""
        ...

    def accept(self, token: int) -> None:
        """Move on by one token, which was allowed."""
        ...
