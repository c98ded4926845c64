"""What makes clips comparable with words and pictures: the interface, and the engine's own.

Axes: T frames, H rows, W columns, C colours; N clips, D dimension.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import ModelError
from vidqa.pipeline.clips import FPS, GRID
from vidqa.prompts import embed_text_prompt, embed_video_prompt
from vidqa.sampling.size import fit_size

if TYPE_CHECKING:  # the engine imports torch
    from vidqa.pipeline.context import Context

ROW_TOKENS = 64
"""Vision tokens of a pair of frames at most: a clip of 8 pairs then costs 512."""
Vector = NDArray[np.float32]
Rgb = NDArray[np.uint8]


class Embedder(Protocol):
    """Vectors of one model: of clips, texts and pictures, comparable by their inner product.

    Calls do not overlap. Every vector has length 1.
    """

    @property
    def name(self) -> str:
        """The model and the digest of its weights: another name, other vectors."""
        ...

    @property
    def recipe(self) -> str:
        """How frames are turned into vectors, in words that change when it does."""
        ...

    @property
    def dimension(self) -> int:
        """Of every vector."""
        ...

    @property
    def centred(self) -> bool:
        """Whether clips are best compared about the archive's mean."""
        ...

    def frame_size(self, height: int, width: int) -> tuple[int, int]:
        """The size (height, width) at which it wants the frames of a video of that size."""
        ...

    def embed_clips(self, rgb_THWC: Rgb, clips: Sequence[tuple[int, int]]) -> Vector:
        """A vector for each clip, (N, D), float32.

        The frames are 2 a second, without a gap; clip n is frames ``[first, last)`` of them, so
        overlapping clips share frames.
        """
        ...

    def embed_text(self, text: str) -> Vector:
        """(D,), float32; raises :class:`vidqa.errors.QueryError` on a blank text."""
        ...

    def embed_image(self, rgb_HWC: Rgb) -> Vector:
        """(D,), float32, of one picture of any size."""
        ...


@dataclass(slots=True)
class Footage:
    """Groups of clips that were embedded, and those that are not what the checkpoint knows."""

    groups: int = 0
    strange: int = 0

    @property
    def unfamiliar(self) -> bool:
        """Whether most of it is unlike what the checkpoint was made for, as far as that is told."""
        return 2 * self.strange > self.groups


@dataclass(frozen=True, slots=True)
class EngineEmbedder:
    """The loaded checkpoint, asked for a clip in one word: the state behind that is its vector."""

    ctx: Context
    footage: Footage = field(default_factory=Footage)
    """What clips have come by."""

    @property
    def name(self) -> str:
        """See :class:`Embedder`."""
        return self.ctx.engine.identity

    @property
    def recipe(self) -> str:
        """See :class:`Embedder`."""
        profile, fixed = self.ctx.engine.profile, self.ctx.sampling.budget.fixed_size
        size = f"{fixed[0]}x{fixed[1]}" if fixed else f"{ROW_TOKENS} tokens a pair"
        words = f"{profile.system}\n{profile.embed_video}\n{profile.embed_text}\n{profile.order}"
        prompt = hashlib.sha256(words.encode()).hexdigest()[:12]
        return f"{GRID} {size} {profile.embed_state} prompt {prompt}"

    @property
    def dimension(self) -> int:
        """See :class:`Embedder`."""
        return self.ctx.engine.dimension

    @property
    def centred(self) -> bool:
        """See :class:`Embedder`."""
        return self.ctx.engine.profile.embed_state != "normed"

    def frame_size(self, height: int, width: int) -> tuple[int, int]:
        """See :class:`Embedder`."""
        budget = self.ctx.sampling.budget
        return budget.fixed_size or fit_size(
            height,
            width,
            block=self.ctx.sampling.grid.block,
            tokens_min=min(budget.row_tokens_min, ROW_TOKENS),
            tokens_max=min(budget.row_tokens_max, ROW_TOKENS),
        )

    def embed_clips(self, rgb_THWC: Rgb, clips: Sequence[tuple[int, int]]) -> Vector:
        """See :class:`Embedder`: each pair of frames is encoded once, whatever clips it is in."""
        pair = self.ctx.sampling.grid.temporal
        if lacking := -len(rgb_THWC) % pair:  # the last frame completes its row
            rgb_THWC = np.concatenate([rgb_THWC, np.repeat(rgb_THWC[-1:], lacking, axis=0)])
        rows = range(len(rgb_THWC) // pair)
        seen = self.ctx.engine.watch(rgb_THWC, tuple(row * pair / FPS for row in rows))
        self.footage.groups += 1
        self.footage.strange += self.ctx.engine.is_familiar(seen) is False
        windows = [seen.rows(first // pair, -(-last // pair)) for first, last in clips]
        return self.ctx.engine.embed(embed_video_prompt(self.ctx.engine.profile), windows)

    def embed_text(self, text: str) -> Vector:
        """See :class:`Embedder`."""
        chat = embed_text_prompt(text, self.ctx.engine.profile)
        vector_D: Vector = self.ctx.engine.embed_texts([chat])[0]
        return vector_D

    def embed_image(self, rgb_HWC: Rgb) -> Vector:
        """See :class:`Embedder`: a clip of one pair, the picture twice."""
        from vidqa.video.resize import Resizer  # late, as all that decodes

        height, width = self.frame_size(rgb_HWC.shape[0], rgb_HWC.shape[1])
        small_hwC = np.empty((height, width, 3), dtype=np.uint8)
        Resizer(height, width)(rgb_HWC, small_hwC)
        pair = self.ctx.sampling.grid.temporal
        vector_D: Vector = self.embed_clips(np.stack([small_hwC] * pair), [(0, pair)])[0]
        return vector_D


def checked(vectors: Vector, embedder: Embedder, clips: int) -> Vector:
    """The vectors, once they are as promised: (N, D), finite, of length 1 (made so where they are
    not). Raises :class:`ModelError` otherwise."""
    vectors_ND = np.asarray(vectors, dtype=np.float32)
    lengths_N1 = np.linalg.norm(vectors_ND, axis=-1, keepdims=True)
    sound = vectors_ND.shape == (clips, embedder.dimension) and np.isfinite(vectors_ND).all()
    if not sound or not (lengths_N1 > 0).all():
        raise ModelError(
            f"{embedder.name} gave vectors of shape {vectors_ND.shape} for {clips} clips and "
            f"{embedder.dimension} dimensions, or some that are zero or not finite",
            code="vectors_impossible",
            next_step="Correct the embedder, or use the model's own.",
        )
    unit_ND: Vector = vectors_ND / lengths_N1
    return unit_ND
