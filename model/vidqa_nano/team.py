"""Workers that train one model together: each has a part of every batch, all take the same step.

In: nothing, or a rendezvous file and the number of workers. Out: a :class:`Team`; alone it does
nothing. Sums go over torch.distributed's gloo, so the workers are processes of one computer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


class Team:
    """One worker's place in the team; of one alone when nothing is said."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @classmethod
    def join(cls, meeting: Path, rank: int, size: int) -> Team:
        """Meet the others at a file that nobody has made yet."""
        dist.init_process_group(
            "gloo", init_method=f"file://{meeting.resolve()}", rank=rank, world_size=size
        )
        return cls(rank, size)

    @property
    def leads(self) -> bool:
        """Whether this worker logs, saves and measures."""
        return self.rank == 0

    def part(self, things: Sequence[T]) -> list[T]:
        """This worker's share of what all have."""
        return list(things[self.rank :: self.size])

    def sum_(self, values: Tensor) -> Tensor:
        """Replace ``values`` by their sum over the workers."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def together(self, own: Tensor, places: Sequence[int], rows: int) -> Tensor:
        """All workers' rows (rows, D), own ones at ``places`` with their gradient."""
        if self.size == 1:
            return own
        mine = torch.tensor(places, dtype=torch.int64, device=own.device)
        everyone = own.new_zeros(rows, own.shape[1])
        self.sum_(everyone.index_copy_(0, mine, own.detach()))
        return everyone.index_copy(0, mine, own)

    def leave(self) -> None:
        """Part when the work is done."""
        if self.size > 1:
            dist.destroy_process_group()
