"""Keys and values of what was watched, kept in memory: the next question prefills only its own.

Rules for threads: an entry is out while it is used, so of two questions at once about the same
input one computes anew, and neither sees the other's tokens. What a key stands for is the caller's
to say; equal keys must mean equal keys and values, to the bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

import torch

from qwen25vl import KVCache
from vidqa.reply import CacheState

ROOM = 512
"""Tokens that a kept cache is rounded up to: a slightly longer question fits it too."""


@dataclass(slots=True)
class PrefixMemory:
    """Caches that hold one prefix each; those used longest ago go when they weigh too much."""

    budget_bytes: int = 0
    """0 keeps none."""
    on_host: bool = False
    """Keep them in the host's memory, not on the card: a question then pays for the way back."""
    _kept: OrderedDict[bytes, KVCache] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def lend(
        self,
        key_of: Callable[[], bytes] | None,
        *,
        capacity: int,
        make: Callable[[int], KVCache],
        token_bytes: int,
        device: torch.device,
    ) -> Iterator[tuple[KVCache, CacheState]]:
        """A cache on ``device`` that holds a prefix, with room for ``capacity`` tokens in all.

        ``make`` gives one of a capacity, when none of that key is at hand. What is added behind the
        prefix is forgotten at the end. Without a key, or a budget, nothing is kept: ``off``.
        """
        if key_of is None or not self.budget_bytes:
            yield make(capacity), "off"
            return
        key, rounded = key_of(), -(-capacity // ROOM) * ROOM
        known = self.take(key)
        if known is None:
            self._make_room(rounded * token_bytes)
            cache = kept = make(rounded)
        else:
            here = known.keys.device == device
            fits = here and known.capacity >= capacity
            cache = known if fits else known.moved(capacity=rounded, device=device)
            kept = cache if here else known  # what lies in the host's memory stays as it is
        prefix = cache.length
        try:
            yield cache, "miss" if known is None else "hit"
        finally:
            cache.truncate(prefix)
            self.keep(key, kept)

    @property
    def bytes_held(self) -> int:
        """Memory of the entries that are not out."""
        with self._lock:
            return self._held()

    def take(self, key: bytes) -> KVCache | None:
        """The entry of that key, which is the caller's alone until it is kept again."""
        with self._lock:
            return self._kept.pop(key, None)

    def _make_room(self, size: int) -> None:
        """Drop entries until ``size`` bytes more fit: before they are set aside, not after."""
        with self._lock:
            while self._kept and self._held() + size > self.budget_bytes:
                self._kept.popitem(last=False)

    def keep(self, key: bytes, cache: KVCache) -> None:
        """Keep a cache that holds the prefix and nothing else; not one above the whole budget."""
        if self.on_host and cache.keys.device.type != "cpu":
            cache = cache.moved(capacity=cache.length, device="cpu")
        self._make_room(cache.bytes_held)
        if cache.bytes_held <= self.budget_bytes:
            with self._lock:
                self._kept[key] = cache

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    def _held(self) -> int:
        return sum(cache.bytes_held for cache in self._kept.values())
