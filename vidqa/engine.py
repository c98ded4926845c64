"""The engine owns the weights: frames to vision tokens, a chat and those tokens to a reply.

Axes: T frames, H rows, W columns, C channels; M vision tokens, D decoder width; S prompt tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qwen25vl import (
    Constraint,
    Generation,
    Message,
    Qwen25VL,
    Qwen25VLError,
    Tokenizer,
    Vision,
    VisionRun,
    generate,
    load_model,
    load_stop_ids,
    patchify,
    position_ids,
)
from qwen25vl.grammar import Grammar, Vocabulary
from vidqa.chat import Chat, Text
from vidqa.checkpoints import Checkpoint
from vidqa.errors import ModelError
from vidqa.profiles import Profile

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "float32", "bfloat16"]
Weights = Literal["stored", "int8", "fp8"]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One stretch of video as the decoder will see it."""

    tokens_MD: Tensor
    run: VisionRun
    """The grid of patches and the seconds of its rows, on the model's own timeline."""

    @property
    def token_count(self) -> int:
        """Merged vision tokens."""
        return int(self.tokens_MD.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model said, token by token."""

    text: str
    pieces: tuple[str, ...]
    """The text of each token; they need not join to ``text`` where a character spans tokens."""
    logprobs: tuple[float, ...]
    cut_short: bool
    """The length limit ended it, not the model."""

    @property
    def score(self) -> float:
        """Geometric mean of the probabilities of the tokens that hold digits; 0 when none does.

        An ordering within one checkpoint, not a probability: it has not been calibrated.
        """
        digits = [
            logprob
            for piece, logprob in zip(self.pieces, self.logprobs, strict=True)
            if any(char.isdigit() for char in piece)
        ]
        return math.exp(sum(digits) / len(digits)) if digits else 0.0


class Engine:
    """One checkpoint in memory. Calls must not overlap: a caller with threads brings the lock."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        model: Qwen25VL,
        tokenizer: Tokenizer,
        stop_ids: tuple[int, ...],
        weights: Weights = "stored",
    ) -> None:
        self.profile: Profile = checkpoint.profile
        made = "" if weights == "stored" else f"+{weights}"
        self.identity = f"{checkpoint.name}@{checkpoint.digest()}{made}"
        self._model, self._tokenizer, self._stop_ids = model, tokenizer, stop_ids

    @torch.inference_mode()
    def watch(self, rgb_THWC: NDArray[np.uint8], row_seconds: tuple[float, ...]) -> Watched:
        """Encode frames, two to a row; ``row_seconds`` counts from the start of the window.

        Raises :class:`ModelError` when frames and rows do not fit the checkpoint.
        """
        with _model_errors():
            config = self._model.config
            patches_NP, grid = patchify(torch.from_numpy(rgb_THWC), config.vision)
            run = VisionRun(grid, row_seconds)
            tokens_MD = self._model.vision(patches_NP.to(self._device), [grid])
        return Watched(tokens_MD=tokens_MD, run=run)

    @torch.inference_mode()
    def reply(
        self,
        chat: Chat,
        watched: Watched,
        *,
        max_new_tokens: int,
        constraint: Constraint | None = None,
    ) -> Reply:
        """Greedy reply to a chat that holds one video, at most ``max_new_tokens`` long.

        ``constraint``, a fresh one for every reply, says which tokens may follow.
        Raises :class:`ModelError` when the prompt cannot be built or run.
        """
        with _model_errors():
            ids_S = self._tokenizer.render_chat(_messages(chat, watched))
            positions_3S = position_ids(ids_S, [watched.run], self._model.config)
            ids_1S = torch.tensor([ids_S], device=self._device)
            said = generate(
                self._model,
                self._model.embed_prompt(ids_1S, watched.tokens_MD),
                positions_3S[:, None].to(self._device),
                max_new_tokens=max_new_tokens,
                stop_ids=self._stop_ids,
                constraint=constraint,
            )
        return self._reply_of(said)

    def constraint(self, grammar: str) -> Constraint:
        """Holds one reply to a grammar, given as Lark text.

        Raises :class:`ModelError` when it cannot be compiled.
        """
        with _model_errors():
            return Grammar(self._vocabulary, grammar).start()

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        rows = self._model.config.text.vocab_size
        return Vocabulary(self._tokenizer, stop_ids=self._stop_ids, vocab_size=rows)

    def _reply_of(self, said: Generation) -> Reply:
        return Reply(
            text=self._tokenizer.decode(said.ids),
            pieces=tuple(self._tokenizer.decode([one]) for one in said.ids),
            logprobs=tuple(said.logprobs),
            cut_short=not said.stopped,
        )

    @property
    def _device(self) -> torch.device:
        return next(self._model.parameters()).device


def open_engine(
    checkpoint: Checkpoint,
    *,
    device: Device = "auto",
    dtype: Dtype = "auto",
    weights: Weights = "stored",
) -> Engine:
    """Load a checkpoint; ``auto``: CUDA in bfloat16 where there is a card, else CPU in float32.

    ``weights`` other than ``stored`` makes bytes of them, and says so in the engine's identity.
    Raises :class:`ModelError` when the device is missing or cannot, or the folder cannot be loaded.
    """
    place = _device_called(device)
    own = torch.bfloat16 if place == "cuda" else torch.float32
    kind = own if dtype == "auto" else _DTYPES[dtype]
    quantized = None if weights == "stored" else weights
    with _model_errors():
        model = load_model(checkpoint.folder, device=place, dtype=kind, quantized=quantized)
        tokenizer = Tokenizer.from_folder(checkpoint.folder)
        tokenizer.check(model.config)
        stop_ids = load_stop_ids(checkpoint.folder)
        return Engine(checkpoint, model, tokenizer, stop_ids, weights)


def _device_called(name: Device) -> str:
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise ModelError(
            "there is no CUDA device",
            code="device_missing",
            next_step="Use --device cpu, or install a CUDA build of torch and its driver.",
        )
    return ("cuda" if present else "cpu") if name == "auto" else name


def _messages(chat: Chat, watched: Watched) -> list[Message]:
    video = Vision("video", watched.token_count)
    return [
        Message(
            turn.role, [item.text if isinstance(item, Text) else video for item in turn.content]
        )
        for turn in chat.turns
    ]


@contextmanager
def _model_errors() -> Iterator[None]:
    """The network's errors as ours: same message, same next step."""
    try:
        yield
    except Qwen25VLError as err:
        raise ModelError(str(err), code="model_failed", next_step=err.next_step) from err
