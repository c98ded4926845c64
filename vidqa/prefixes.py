"""Keys and values of what was watched, kept in memory: the next question prefills only its own.

Rules for threads: an entry is out while it is used, so of two questions at once about the same
input one computes anew, and neither sees the other's tokens. What a key stands for is the caller's
to say; equal keys must mean equal keys and values, to the bit.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from qwen25vl import KVCache


@dataclass(slots=True)
class PrefixMemory:
    """Caches that hold one prefix each; those used longest ago go when they weigh too much."""

    budget_bytes: int = 0
    """0 keeps none."""
    on_host: bool = False
    """Keep them in the host's memory, not on the card: a question then pays for the way back."""
    _kept: OrderedDict[bytes, KVCache] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def bytes_held(self) -> int:
        """Memory of the entries that are not out."""
        with self._lock:
            return self._held()

    def take(self, key: bytes) -> KVCache | None:
        """The entry of that key, which is the caller's alone until it is kept again."""
        with self._lock:
            return self._kept.pop(key, None)

    def make_room(self, size: int) -> None:
        """Drop entries until ``size`` bytes more fit: to be called before they are set aside."""
        with self._lock:
            while self._kept and self._held() + size > self.budget_bytes:
                self._kept.popitem(last=False)

    def keep(self, key: bytes, cache: KVCache) -> None:
        """Keep a cache that holds the prefix and nothing else; not one above the whole budget."""
        if self.on_host and cache.keys.device.type != "cpu":
            cache = cache.moved(capacity=cache.length, device="cpu")
        self.make_room(cache.bytes_held)
        if cache.bytes_held <= self.budget_bytes:
            with self._lock:
                self._kept[key] = cache

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    def _held(self) -> int:
        return sum(cache.bytes_held for cache in self._kept.values())
