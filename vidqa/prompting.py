"""A chat and what was watched, as the decoder reads it: embeddings, positions, a prefix in a cache.

Axes: S prompt tokens, D decoder width.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from qwen25vl import KVCache, Prompt, PromptEmbeds, Qwen25VL, Tokenizer, prefill
from qwen25vl.counting import kv_bytes_per_token
from vidqa.chat import Chat
from vidqa.inputs import Rendered, Watched, as_inputs, render
from vidqa.prefixes import PrefixMemory
from vidqa.profiles import Profile
from vidqa.reply import CacheState


@dataclass(frozen=True, slots=True)
class Prompting:
    """One checkpoint's way to prompts."""

    model: Qwen25VL
    tokenizer: Tokenizer
    profile: Profile
    prefixes: PrefixMemory

    def rendered(self, chat: Chat, watched: Watched | Sequence[Watched]) -> Rendered:
        """Ids, positions and vision tokens; raises as :func:`vidqa.inputs.render`."""
        given = as_inputs(watched)
        return render(chat, given, self.tokenizer, self.model.config, self.profile)

    def whole(self, chat: Chat, watched: Watched | Sequence[Watched]) -> Prompt:
        """All of the prompt, embedded; raises as :meth:`rendered`."""
        return self.embedded(self.rendered(chat, watched))

    def embedded(self, prompt: Rendered, start: int = 0, end: int | None = None) -> Prompt:
        """Embeddings (formed as they are read) and positions of the prompt's tokens [start, end).

        All vision tokens must lie inside, or all before ``start``.
        """
        tokens = () if start or prompt.tokens_MD is None else (prompt.tokens_MD,)
        embeds_1SD = PromptEmbeds(self.model, prompt.ids[start:end], tokens)
        return Prompt(embeds_1SD, prompt.positions_3S[:, None, start:end].to(self.model.device))

    def prefix(
        self, prompt: Rendered, room: int
    ) -> AbstractContextManager[tuple[KVCache, CacheState]]:
        """A cache that holds the prompt up to its ``shared`` tokens, with room for its others and
        for ``room`` more; and whether it was at hand.

        Always in two steps, kept or not: a question gets the same numbers whoever asked before it.
        """
        model, shared = self.model, prompt.shared

        def prefilled(capacity: int) -> KVCache:
            cache = KVCache(model.config.text, capacity, dtype=model.dtype, device=model.device)
            if shared:
                prefill(model, *self.embedded(prompt, end=shared), cache)
            return cache

        return self.prefixes.lend(
            prompt.key if shared else None,
            capacity=len(prompt.ids) + room,
            make=prefilled,
            token_bytes=kv_bytes_per_token(model.config.text, model.dtype.itemsize),
            device=model.device,
        )
