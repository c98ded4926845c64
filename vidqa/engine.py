"""The engine owns the weights: frames to vision tokens, a chat and those tokens to a reply.

Axes: T frames, H rows, W columns, C channels; M vision tokens, D decoder width; S prompt tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qwen25vl import (
    GREEDY,
    Constraint,
    Qwen25VL,
    Sampling,
    Tokenizer,
    choose,
    compile_decoding,
    load_model,
    load_stop_ids,
)
from qwen25vl.decode import never
from qwen25vl.embedding import whole_of
from qwen25vl.grammar import Grammar, Vocabulary
from vidqa.batching import first_tokens, last_states
from vidqa.calibration import read_calibration
from vidqa.chat import Chat
from vidqa.checkpoints import Checkpoint
from vidqa.errors import ModelError
from vidqa.familiar import read_familiar
from vidqa.inputs import Watched, shared_tokens
from vidqa.prefixes import PrefixMemory
from vidqa.profiles import Profile
from vidqa.prompting import Prompting
from vidqa.reply import UNSAID, Choice, OnText, Reply, unheard
from vidqa.running import Device, Dtype, device_called, dtype_called, model_errors
from vidqa.speaking import Speech, speak, speak_behind
from vidqa.watching import restore_rows, row_bytes, tower_digest, watch_frames

__all__ = ["Device", "Dtype", "Engine", "Reply", "Sampling", "Watched", "Weights", "open_engine"]

Weights = Literal["stored", "int8", "fp8"]


class Engine:
    """One checkpoint in memory. Calls must not overlap: a caller with threads brings the lock."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        model: Qwen25VL,
        tokenizer: Tokenizer,
        stop_ids: tuple[int, ...],
        weights: Weights = "stored",
        prefixes: PrefixMemory | None = None,
        *,
        calibrated: bool = True,
    ) -> None:
        self.prefixes = prefixes or PrefixMemory()
        """What was watched lately, as keys and values."""
        self.profile: Profile = checkpoint.profile
        made = "" if weights == "stored" else f"+{weights}"
        digest = checkpoint.digest()
        self.identity = f"{checkpoint.name}@{digest}{made}"
        self.familiar = read_familiar(checkpoint.folder, digest)
        self.calibration = read_calibration(checkpoint.folder, digest) if calibrated else None
        self._model, self._tokenizer, self._stop_ids = model, tokenizer, stop_ids
        self._prompting = Prompting(model, tokenizer, self.profile, self.prefixes)

    def watch(self, rgb_THWC: NDArray[np.uint8], row_seconds: tuple[float, ...]) -> Watched:
        """Encode frames, two to a row; ``row_seconds`` counts from the start of the window.

        Where the checkpoint reads times as text, it sees the first frame of a row twice. Raises
        :class:`ModelError` when frames and rows do not fit the checkpoint.
        """
        still = self.profile.time_encoding == "text"
        with model_errors():
            return watch_frames(self._model, rgb_THWC, row_seconds, "video", still=still)

    def watch_image(self, rgb_HWC: NDArray[np.uint8]) -> Watched:
        """Encode one picture: a row at time 0, made of the picture twice; raises as ``watch``."""
        with model_errors():
            return watch_frames(self._model, rgb_HWC[None], (0.0,), "image", still=False)

    @cached_property
    def tower(self) -> str:
        """What vision tokens depend on beside the frames: weights to the bit, type, device, torch.

        The weights are read whole, once: a checkpoint's identity looks at parts of large files.
        """
        where = f"{self._model.dtype} on {self._model.device.type}, torch {torch.__version__}"
        return f"{tower_digest(self._model)} {where}"

    @property
    def dimension(self) -> int:
        """Of the vectors that :meth:`embed` and :meth:`embed_texts` give."""
        return self._model.config.text.hidden_size

    def row_bytes(self, height: int, width: int) -> int:
        """Bytes of the tokens of one row of frames of that size."""
        return row_bytes(self._model, height, width)

    def restore(
        self,
        tokens_RB: NDArray[np.uint8],
        checks: tuple[bytes, ...],
        row_seconds: tuple[float, ...],
        size: tuple[int, int],
    ) -> Watched:
        """What was watched once, from the bytes of its rows and their SHA-256 (``Watched``)."""
        seen = restore_rows(self._model, tokens_RB, row_seconds, size)
        return replace(seen, row_checks=checks)

    def is_familiar(self, watched: Watched) -> bool | None:
        """Whether it looks like what the checkpoint was made for; None where that is not told."""
        if self.familiar is None:
            return None
        tokens_RMD = watched.tokens_MD.unflatten(0, (len(watched.run.row_seconds), -1))
        return self.familiar.covers(tokens_RMD.float().cpu().numpy())

    @torch.inference_mode()
    def reply(
        self,
        chat: Chat,
        watched: Watched | Sequence[Watched] = (),
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
        on_text: OnText = unheard,
        until: Callable[[], bool] = never,
    ) -> Reply:
        """Reply to a chat, ended by the model, a ``stop`` string, ``max_new_tokens`` or ``until``.

        ``watched`` are the chat's videos and images in order of appearance; none for text alone.
        Without ``sampling`` every token is the most probable one. ``constraint``, a fresh one for
        every reply, says which tokens may follow. ``on_text`` gets the words as they come; after
        each token ``until`` says whether to leave it at that. Raises :class:`ModelError` when the
        prompt cannot be built or run.
        """
        with model_errors():
            return speak(
                self._prompting,
                self._prompting.rendered(chat, watched),
                self._speech(max_new_tokens, sampling, until),
                stop=stop,
                constraint=constraint,
                on_text=on_text,
            )

    @torch.inference_mode()
    def replies(
        self,
        chats: Sequence[Chat],
        watched: Watched | Sequence[Watched] = (),
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
        until: Callable[[], bool] = never,
    ) -> list[Reply]:
        """Replies to many chats about the same inputs, each what :meth:`reply` would give.

        Inputs and whatever else the chats begin with are read once, and all replies are spoken in
        one batch. Where a text before an input differs (a profile that puts the text first), they
        share nothing and are answered one by one. ``until`` ends all of them, between two tokens.
        Raises :class:`ModelError` as ``reply``.
        """
        with model_errors():
            prompts = [self._prompting.rendered(chat, watched) for chat in chats]
            shared = shared_tokens(prompts, self._model.config) if len(chats) > 1 else 0
            if shared:
                speech = self._speech(max_new_tokens, sampling, until)
                return speak_behind(self._prompting, prompts, shared, speech)
        return [
            UNSAID
            if until()
            else self.reply(
                chat, watched, max_new_tokens=max_new_tokens, sampling=sampling, until=until
            )
            for chat in chats
        ]

    @torch.inference_mode()
    def choose(
        self, chat: Chat, watched: Watched | Sequence[Watched], answers: Sequence[str]
    ) -> Choice:
        """How probable each answer is as the whole reply, among these answers.

        All are scored in one pass. Raises :class:`ModelError` as ``reply``, and on an empty answer.
        """
        with model_errors():
            ids = [self._tokenizer.encode(answer) for answer in answers]
            ended = [[*each, self._tokenizer.im_end] if each else [] for each in ids]
            prompt = self._prompting.rendered(chat, watched)
            with self._prompting.prefix(prompt, sum(map(len, ended))) as (cache, prefix):
                tail = self._prompting.embedded(prompt, start=prompt.shared)
                chosen = choose(self._model, *tail, ended, cache=cache)
        return Choice(probabilities=tuple(chosen.probabilities), prefix=prefix)

    @torch.inference_mode()
    def choose_each(
        self, chat: Chat, windows: Sequence[Watched], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        """How probable each answer is about each window, among these: (N, C), rows sum to 1.

        Answers are told apart by their first tokens and windows alike run together: cheaper than
        :meth:`choose`, and the same to rounding where the first tokens decide. Raises
        :class:`ModelError` as ``reply``, and when two answers begin alike.
        """
        with model_errors():
            first = [self._tokenizer.encode(answer)[0] for answer in answers if answer]
            if len(set(first)) != len(answers):
                raise ModelError(
                    f"the answers {list(answers)} cannot be told apart by their first tokens",
                    code="choices_alike",
                    next_step="Use choose, or give answers that begin differently.",
                )
            prompts = [self._prompting.whole(chat, window) for window in windows]
            return first_tokens(self._model, prompts, first).numpy().astype(np.float64)

    def embed(self, chat: Chat, windows: Sequence[Watched]) -> NDArray[np.float32]:
        """A vector for each window, (N, D), of length 1: the state of the last token of ``chat``.

        Which state is the profile's to say. Raises :class:`ModelError` as ``reply``.
        """
        return self._vectors([(chat, (window,)) for window in windows])

    def embed_texts(self, chats: Sequence[Chat]) -> NDArray[np.float32]:
        """A vector for each chat of text alone, (N, D), of length 1; as :meth:`embed`."""
        return self._vectors([(chat, ()) for chat in chats])

    @torch.inference_mode()
    def _vectors(self, chats: Sequence[tuple[Chat, tuple[Watched, ...]]]) -> NDArray[np.float32]:
        with model_errors():
            prompts = [self._prompting.whole(chat, watched) for chat, watched in chats]
            early = self.profile.embed_state == "before_last_mlp"
            states_ND = last_states(self._model, prompts, before_mlp=early)
            unit_ND: NDArray[np.float32] = torch.nn.functional.normalize(states_ND, dim=-1).numpy()
        return unit_ND

    @torch.inference_mode()
    def hidden(self, chat: Chat, watched: Watched | Sequence[Watched], layer: int) -> Tensor:
        """Hidden states (S, D) of every prompt token after ``layer`` layers, before any norm.

        For embeddings: take the last token, or the mean over tokens. Raises :class:`ModelError` as
        ``reply``, and on a layer the decoder does not have.
        """
        with model_errors():
            embeds, positions_31S = self._prompting.whole(chat, watched)
            hidden_1SD = self._model.text.hidden(whole_of(embeds), positions_31S, layer=layer)
            hidden_SD: Tensor = hidden_1SD[0]
        return hidden_SD

    def before_each_layer(self, call: Callable[[], None]) -> None:
        """Have ``call`` called before every layer of either network runs, from now on: it may
        raise, which ends what is computed. Not inside compiled decoding steps."""
        parts: list[torch.nn.Module] = [*self._model.vision.blocks]
        if self._model.compiled_step is None:
            parts += self._model.text.layers
        for part in parts:
            part.register_forward_pre_hook(lambda *_: call())

    def constraint(self, grammar: str) -> Constraint:
        """Holds one reply to a grammar, given as Lark text.

        Raises :class:`ModelError` when it cannot be compiled.
        """
        with model_errors():
            return Grammar(self._vocabulary, grammar).start()

    def _speech(self, limit: int, sampling: Sampling | None, until: Callable[[], bool]) -> Speech:
        return Speech(
            limit=limit, stop_ids=self._stop_ids, sampling=sampling or GREEDY, until=until
        )

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        rows = self._model.config.text.vocab_size
        return Vocabulary(self._tokenizer, stop_ids=self._stop_ids, vocab_size=rows)


def open_engine(
    checkpoint: Checkpoint,
    *,
    device: Device = "auto",
    dtype: Dtype = "auto",
    weights: Weights = "stored",
    compiled: bool = False,
    prefixes: PrefixMemory | None = None,
    calibrated: bool = True,
) -> Engine:
    """Load a checkpoint; ``auto``: CUDA in bfloat16 where there is a card, else CPU in float32.

    ``weights`` other than ``stored`` makes bytes of them, and says so in the engine's identity.
    ``compiled`` compiles the decoding of single replies at its first use. ``prefixes`` keeps what
    was watched for the next question; none is kept without it. ``calibrated=False`` leaves the
    folder's calibration unread.
    Raises :class:`ModelError` when the device is missing or cannot, or the folder cannot be loaded.
    """
    place = device_called(device)
    quantized = None if weights == "stored" else weights
    with model_errors():
        model = load_model(
            checkpoint.folder, device=place, dtype=dtype_called(dtype, place), quantized=quantized
        )
        tokenizer = Tokenizer.from_folder(checkpoint.folder)
        tokenizer.check(model.config)
        stop_ids = load_stop_ids(checkpoint.folder)
        if compiled:
            compile_decoding(model)
        return Engine(
            checkpoint, model, tokenizer, stop_ids, weights, prefixes, calibrated=calibrated
        )
