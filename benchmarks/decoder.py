"""Prefill, decoding and a second question, with a decoder of 100 M parameters.

The network is transformers' own config with the same weights; prompts are random token ids.
Axes: S prompt tokens, D width, V vocabulary.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers import allow_torchvision
from benchmarks.tower import small_tower
from benchmarks.turns import OURS, PEER, Contenders, Row, Wanted, require_same, take_turns, warm
from qwen25vl import KVCache, ModelConfig, Qwen25VL, TextConfig, VisionConfig, prefill
from qwen25vl.names import PATCH

WHOLE, BEHIND = "all prefilled", "cached prefix"
PROMPT, QUICK_PROMPT, QUESTION, STEPS = 8192, 4096, 32, 16
"""Tokens of the prompt, of a second question, and of a reply."""
Prompt = tuple[Tensor, Tensor]
"""Ids (1, S) and position ids (3, 1, S)."""


def decoder_config(vision: VisionConfig) -> ModelConfig:
    """12 layers, 12 heads over 2 of keys, width 768: 100 M with their 8,192 tied embeddings."""
    return ModelConfig(
        vision=replace(vision, out_hidden_size=768),
        text=TextConfig(
            vocab_size=8192,
            hidden_size=768,
            intermediate_size=3072,
            num_hidden_layers=12,
            num_attention_heads=12,
            num_key_value_heads=2,
            head_dim=64,
            rms_norm_eps=1e-6,
            rope_theta=1e6,
            mrope_section=(8, 12, 12),
            max_position_embeddings=32_768,
        ),
        image_token_id=10,
        video_token_id=11,
        vision_start_token_id=12,
        vision_end_token_id=13,
        tie_word_embeddings=True,
    )


@torch.inference_mode()
def decoder_rows(rounds: int, quick: bool) -> list[Row]:
    """A prompt, the reply behind it, and a second question behind the same prompt."""
    torch.manual_seed(0)
    model = Qwen25VL(decoder_config(small_tower(96, 4, 256, 768))).eval()
    prompt = QUICK_PROMPT if quick else PROMPT
    pair = Pair(model, peer_of(model), prompt)
    prefilled = Wanted(PEER, OURS, 1)
    return [
        take_turns(f"prefill, {prompt} tokens", pair.prefills(), [prefilled], rounds),
        take_turns(
            f"decode, a token behind {prompt}",
            pair.decodes(),
            [Wanted(PEER, OURS, 1.3)],
            rounds,
            per=STEPS,
        ),
        take_turns(
            f"first token, {QUESTION} tokens behind {prompt}",
            pair.questions(),
            [Wanted(WHOLE, BEHIND, 20)],
            rounds,
        ),
    ]


class Pair:
    """Our model and theirs behind the same prompt, each with its own cache."""

    def __init__(self, model: Qwen25VL, peer: nn.Module, prompt: int) -> None:
        config, device = model.config.text, model.device
        self.model, self.peer, self.length = model, peer, prompt
        self.ids_1S = torch.randint(20, config.vocab_size, (1, prompt + QUESTION), device=device)
        self.positions_31S = torch.arange(prompt + QUESTION, device=device).expand(3, 1, -1)
        room = prompt + QUESTION + STEPS
        self.cache = KVCache(config, room, dtype=model.dtype, device=device)
        self.peer_cache: Any = None

    def prefills(self) -> Contenders:
        """Scores of the first token of a reply; compared before they are timed."""
        return warm({OURS: self._prefill, PEER: self._peer_prefill}, "scores of the first token")

    def decodes(self) -> Contenders:
        """Ids of a reply of STEPS tokens behind the prompt; both sides must say the same first."""
        self._prefill()
        self._peer_prefill()
        contenders: Contenders = {OURS: self._decode, PEER: self._peer_decode}
        require_same(self._score(), self._peer_score(), "scores of the second token")
        for run in contenders.values():
            run()
        return contenders

    def questions(self) -> Contenders:
        """The first token's scores of a question, with the prompt before it cached or not."""
        self._prefill()
        contenders = warm({BEHIND: self._behind, WHOLE: self._whole}, "scores of the answer")
        self._prefill()
        return contenders

    def _ours(self, start: int, end: int) -> Tensor:
        """Scores (1, V) after tokens [start, end), which join the cache."""
        self.cache.truncate(start)
        embeds_1SD = self.model.embed(self.ids_1S[:, start:end])
        positions_31S = self.positions_31S[:, :, start:end]
        return self.model.logits(prefill(self.model, embeds_1SD, positions_31S, self.cache)[:, 0])

    def _prefill(self) -> Tensor:
        return self._ours(0, self.length)

    def _behind(self) -> Tensor:
        return self._ours(self.length, self.length + QUESTION)

    def _whole(self) -> Tensor:
        return self._ours(0, self.length + QUESTION)

    def _step(self, ids_11: Tensor, place: int) -> Tensor:
        embeds_11D = self.model.embed(ids_11)
        hidden_11D = self.model.text(embeds_11D, self._place(place), cache=self.cache)
        return self.model.logits(hidden_11D[:, -1])

    def _peer_prefill(self) -> Tensor:
        self.peer_cache = None  # or two of them would be held at once
        ids_1S, positions_31S = self.ids_1S, self.positions_31S
        return self._peer(ids_1S[:, : self.length], positions_31S[:, :, : self.length])

    def _peer_step(self, ids_11: Tensor, place: int) -> Tensor:
        return self._peer(ids_11, self._place(place))

    def _peer(self, ids_1S: Tensor, positions_31S: Tensor) -> Tensor:
        out = self.peer(
            input_ids=ids_1S,
            position_ids=positions_31S,
            past_key_values=self.peer_cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self.peer_cache = out.past_key_values
        scores_1V: Tensor = out.logits[:, -1]
        return scores_1V

    def _score(self) -> Tensor:
        self.cache.truncate(self.length)
        return self._step(self.ids_1S[:, -1:], self.length)

    def _peer_score(self) -> Tensor:
        self._peer_rewind()
        return self._peer_step(self.ids_1S[:, -1:], self.length)

    def _decode(self) -> Tensor:
        self.cache.truncate(self.length)
        return self._greedy(self._step)

    def _peer_decode(self) -> Tensor:
        self._peer_rewind()
        return self._greedy(self._peer_step)

    def _peer_rewind(self) -> None:
        """Forget what follows the prompt; their ``crop`` takes how many, negative."""
        if extra := self.peer_cache.get_seq_length() - self.length:
            self.peer_cache.crop(-extra)

    def _greedy(self, step: Callable[[Tensor, int], Tensor]) -> Tensor:
        ids_11 = self.ids_1S[:, -1:]
        for place in range(self.length, self.length + STEPS):
            ids_11 = step(ids_11, place).argmax(-1, keepdim=True)
        return ids_11

    def _place(self, place: int) -> Tensor:
        return torch.full((3, 1, 1), place, device=self.model.device)


def peer_of(model: Qwen25VL) -> nn.Module:
    """transformers' whole model (SDPA) with the same weights, type and device."""
    allow_torchvision()
    from transformers import AutoConfig, Qwen2_5_VLForConditionalGeneration
    from transformers.utils import logging

    logging.set_verbosity_error()  # it warns of default special tokens beyond a small vocabulary

    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(model.config.to_json())
        (Path(folder) / "config.json").write_text(text, encoding="utf-8")
        config = AutoConfig.from_pretrained(folder)
    with torch.device(model.device):
        made = Qwen2_5_VLForConditionalGeneration._from_config(  # noqa: SLF001
            config, attn_implementation="sdpa", dtype=model.dtype
        )
    peer: nn.Module = made.eval()
    shapes = {name: each.shape for name, each in peer.state_dict().items()}
    state = {_peer_name(name): each for name, each in model.state_dict().items()}
    state[_peer_name(PATCH)] = state[_peer_name(PATCH)].view(shapes[_peer_name(PATCH)])
    peer.load_state_dict(state)
    return peer


def _peer_name(own: str) -> str:
    for start, theirs in (("vision.", "model.visual."), ("text.", "model.language_model.")):
        if own.startswith(start):
            return theirs + own.removeprefix(start)
    return own
