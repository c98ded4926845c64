"""A decoding step whose shapes never change, so that it can be compiled, and recorded on a card.

The plain step attends to as many tokens as are cached: another shape every token. This one attends
to all the room of the cache under a mask, and writes at a place that the device knows. It computes
the same; compiled, it saves the host's work between kernels, which is most of a token's time where
layers are small or the card is fast. On a processor nano's token takes 0.6 to 0.75 of the time, but
a decoder of 100 M parameters 2.4 times as long: the compiler takes MKL's product of one row where
the plain step takes oneDNN's (:mod:`linear`). Compiling takes 10 to 100 s.

Axes: R rows (1), T room of the cache, K key heads, S new tokens (1), D width or head dim,
V vocabulary.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from qwen25vl.cache import KVCache
from qwen25vl.decode import log_scores
from qwen25vl.errors import ConfigError

if TYPE_CHECKING:
    from qwen25vl.model import Qwen25VL


class Slots:
    """A cache seen whole, with the place of the next token on the device; see ``KVCache``."""

    def __init__(self, keys: Tensor, values: Tensor, at_S: Tensor) -> None:
        self.keys, self.values, self.at_S = keys, values, at_S

    def extend(self, layer: int, k_BKSD: Tensor, v_BKSD: Tensor) -> tuple[Tensor, Tensor]:
        """Write one layer's new keys and values; returns all that layer has room for."""
        keys, values = self.keys[layer], self.values[layer]
        keys.index_copy_(2, self.at_S, k_BKSD)
        values.index_copy_(2, self.at_S, v_BKSD)
        return keys, values


def steady_step(
    model: Qwen25VL, ids_R: Tensor, places_3RS: Tensor, at_S: Tensor, keys: Tensor, values: Tensor
) -> Tensor:
    """Log-probabilities (R, V) behind the token ``ids_R`` that joins the cache at ``at_S``."""
    seen_ST = torch.arange(keys.shape[3], device=at_S.device) <= at_S[:, None]
    embeds_RSD = model.embed(ids_R[:, None])
    hidden_RSD = model.text.steady(embeds_RSD, places_3RS, Slots(keys, values, at_S), seen_ST)
    return log_scores(model.logits(hidden_RSD[:, -1]))


class SteadyDecoding:
    """Steps of one reply behind what ``cache`` holds: the last token (1,) to scores (1, V)."""

    def __init__(self, model: Qwen25VL, cache: KVCache, places_3RS: Tensor) -> None:
        self._model, self._cache, self._places_3RS = model, cache, places_3RS
        cache.blank()
        self._at_S = torch.tensor([cache.length], device=places_3RS.device)

    def __call__(self, ids_R: Tensor) -> Tensor:
        """One step; raises PromptError where the cache is full."""
        self._cache.require(1)
        step = self._model.compiled_step or steady_step
        held = (self._cache.keys, self._cache.values)
        scores_RV = step(self._model, ids_R, self._places_3RS, self._at_S, *held)
        self._places_3RS, self._at_S = self._places_3RS + 1, self._at_S + 1
        self._cache.advance(1)
        # A recorded graph writes its next scores over these.
        return scores_RV.clone()


def compile_decoding(model: Qwen25VL) -> None:
    """Compile the decoding step of ``generate`` and ``stream``, in place, at its first use.

    On CUDA torch also records it as a graph (``reduce-overhead``; not run on a card so far). A
    cache of another size compiles once more, then for all sizes. Raises ConfigError where a
    processor has no C++ compiler to do it with.
    """
    if model.device.type == "cpu" and shutil.which(os.environ.get("CXX", "g++")) is None:
        message = "compiling for a processor needs a C++ compiler, and there is no g++"
        step = "install g++ or name another by CXX, or do not compile"
        raise ConfigError(message, next_step=step)
    mode = "reduce-overhead" if model.device.type == "cuda" else None
    model.compiled_step = torch.compile(steady_step, fullgraph=True, mode=mode)
