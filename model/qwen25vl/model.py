"""Qwen2.5-VL: the tower, the decoder, and the seam where vision tokens replace the pads.

Axes: B batch, S sequence, D decoder width, M vision tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qwen25vl.config import ModelConfig
from qwen25vl.errors import PromptError
from qwen25vl.linear import Linear
from qwen25vl.patches import Grid
from qwen25vl.positions import VisionRun
from qwen25vl.text import TextDecoder
from qwen25vl.vision import VisionTower

INIT_STD = 0.02
CompiledStep = Callable[["Qwen25VL", Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""``steady.steady_step``, compiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInput:
    """One video (or image, one row at 0.0) ready for the tower, its times beside its pixels."""

    patches_NP: Tensor
    grid: Grid
    row_seconds: Sequence[float]

    @property
    def run(self) -> VisionRun:
        return VisionRun(self.grid, self.row_seconds)


class Qwen25VL(nn.Module):
    """The network of one config; trainable, on whatever device and type its weights have."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.compiled_step: CompiledStep | None = None
        """Set by ``compile_decoding``: what replies to one prompt take their steps with."""
        self.vision = VisionTower(config.vision)
        self.text = TextDecoder(config.text)
        self.lm_head = Linear(config.text.hidden_size, config.text.vocab_size, bias=False)
        self.apply(_initialise)
        self.tie()

    def tie(self) -> None:
        """Make the output layer the embedding table, where the checkpoint says so."""
        if self.config.tie_word_embeddings:
            self.lm_head.weight = self.text.embed_tokens.weight

    @property
    def device(self) -> torch.device:
        return self.text.embed_tokens.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.text.embed_tokens.weight.dtype

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (...,) to embeddings (..., D)."""
        embedded: Tensor = self.text.embed_tokens(ids)
        return embedded

    def embed_prompt(self, ids_BS: Tensor, vision_tokens_MD: Tensor | None = None) -> Tensor:
        """Embeddings (B, S, D) of a prompt, its vision pads replaced in order by vision tokens.

        Raises PromptError when there are not as many pads as tokens.
        """
        pads_BS = (ids_BS == self.config.image_token_id) | (ids_BS == self.config.video_token_id)
        given = 0 if vision_tokens_MD is None else vision_tokens_MD.shape[0]
        self.require_pads(int(pads_BS.sum()), given)  # one device sync per prompt
        embeds_BSD = self.embed(ids_BS)
        if vision_tokens_MD is None:
            return embeds_BSD
        return embeds_BSD.masked_scatter(pads_BS[..., None], vision_tokens_MD.to(embeds_BSD.dtype))

    def require_pads(self, pads: int, given: int) -> None:
        """Raises PromptError unless there is one vision token for every pad."""
        if pads != given:
            message = f"{given} vision tokens for {pads} pads"
            raise PromptError(message, next_step="render one pad per vision token (Grid.tokens)")

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states (..., D) to scores (..., V): ask only for the positions you need."""
        scores: Tensor = self.lm_head(hidden)
        return scores

    def forward(
        self, ids_BS: Tensor, positions_3BS: Tensor, videos: Sequence[VideoInput] = ()
    ) -> Tensor:
        """Scores (B, S, V) of a whole prompt: for training and tests, not for long videos."""
        tokens_MD = self.encode(videos) if videos else None
        hidden_BSD: Tensor = self.text(self.embed_prompt(ids_BS, tokens_MD), positions_3BS)
        return self.logits(hidden_BSD)

    def encode(self, videos: Sequence[VideoInput]) -> Tensor:
        """Vision tokens (M, D) of several inputs, in order."""
        patches = [video.patches_NP for video in videos]
        joined = patches[0] if len(patches) == 1 else torch.cat(patches)
        tokens_MD: Tensor = self.vision(joined, [video.grid for video in videos])
        return tokens_MD


def _initialise(module: nn.Module) -> None:
    """Start values for training from nothing; none on the meta device, where a loader fills in."""
    if not isinstance(module, (nn.Linear, nn.Embedding)) or module.weight.is_meta:
        return
    nn.init.normal_(module.weight, std=INIT_STD)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
