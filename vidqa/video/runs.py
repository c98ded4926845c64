"""From wanted frames to stretches of packets worth decoding. Pure: numbers in, numbers out.

A *run* starts at a packet where decoding may start and ends with the last wanted packet reachable
from there; what lies between two runs is never decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidqa.video.index import PacketIndex, Ticks


@dataclass(frozen=True, slots=True)
class Run:
    """Packets ``first`` to ``last``, both included, in decoding order."""

    first: int
    last: int
    wanted: tuple[int, ...]
    """Packet numbers, ascending, each in ``[first, last]``."""

    @property
    def length(self) -> int:
        """Packets to decode."""
        return self.last - self.first + 1


def plan_runs(index: PacketIndex, wanted: Sequence[int]) -> list[Run]:
    """Runs in file order that cover the wanted packets (any order, doubles allowed)."""
    keys = index.keys
    runs: list[Run] = []
    for packet in sorted(set(wanted)):
        run = Run(start_for(index, keys, packet), packet, (packet,))
        while runs and run.first <= runs[-1].last:  # a leading picture may reach back over several
            before = runs.pop()
            first = min(before.first, run.first)
            run = Run(first, packet, (*before.wanted, *run.wanted))
        runs.append(run)
    return runs


def start_for(index: PacketIndex, keys: Ticks, packet: int) -> int:
    """Where decoding must start to get one packet's picture.

    The key packet at or before it; one further back for a leading picture, which is shown before
    the key picture it follows in the file and may refer to the pictures before that (open GOP).
    """
    at = int(np.searchsorted(keys, packet, side="right")) - 1
    leading = index.pts_P[packet] < index.pts_P[keys[at]]
    return int(keys[max(0, at - 1)] if leading else keys[at])


def share_runs(runs: Sequence[Run], workers: int) -> list[list[Run]]:
    """At most so many contiguous, non-empty shares of about the same number of packets."""
    total = sum(run.length for run in runs)
    shares: list[list[Run]] = [[] for _ in range(max(1, workers))]
    done = 0
    for run in runs:
        middle = done + run.length / 2
        shares[min(len(shares) - 1, int(middle * len(shares) / total))].append(run)
        done += run.length
    return [share for share in shares if share]
