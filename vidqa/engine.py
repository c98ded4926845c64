"""The engine owns the weights: frames to vision tokens, a chat and those tokens to a reply.

Axes: T frames, H rows, W columns, C channels; M vision tokens, D decoder width; S prompt tokens.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qwen25vl import (
    GREEDY,
    Constraint,
    Generation,
    KVCache,
    Prompt,
    PromptEmbeds,
    Qwen25VL,
    Qwen25VLError,
    Sampling,
    TextStream,
    Token,
    Tokenizer,
    choose,
    compile_decoding,
    generate_behind,
    load_model,
    load_stop_ids,
    prefill,
    stream,
)
from qwen25vl.embedding import whole_of
from qwen25vl.grammar import Grammar, Vocabulary
from vidqa.chat import Chat
from vidqa.checkpoints import Checkpoint
from vidqa.errors import ModelError
from vidqa.familiar import read_familiar
from vidqa.inputs import Rendered, Watched, as_inputs, render, shared_tokens
from vidqa.profiles import Profile
from vidqa.reply import OnText, Reply, unheard
from vidqa.watching import watch_frames

__all__ = ["Device", "Dtype", "Engine", "Reply", "Sampling", "Watched", "Weights", "open_engine"]

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "float32", "bfloat16"]
Weights = Literal["stored", "int8", "fp8"]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


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
        digest = checkpoint.digest()
        self.identity = f"{checkpoint.name}@{digest}{made}"
        self.familiar = read_familiar(checkpoint.folder, digest)
        self._model, self._tokenizer, self._stop_ids = model, tokenizer, stop_ids

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
    ) -> Reply:
        """Reply to a chat, ended by the model, a ``stop`` string or ``max_new_tokens``.

        ``watched`` are the chat's videos and images in order of appearance; none for text alone.
        Without ``sampling`` every token is the most probable one. ``constraint``, a fresh one for
        every reply, says which tokens may follow. ``on_text`` gets the words as they come. Raises
        :class:`ModelError` when the prompt cannot be built or run.
        """
        with model_errors():
            words = TextStream(self._tokenizer, stop)
            tokens = stream(
                self._model,
                *self._prompt(chat, watched),
                max_new_tokens=max_new_tokens,
                stop_ids=self._stop_ids,
                sampling=sampling or GREEDY,
                constraint=constraint,
                vocab=self._tokenizer.size,
            )
            said, text = _hear(tokens, words, on_text)
        stopped = words.stopped or len(said) < max_new_tokens
        return self._reply_of(said, text, stopped=stopped)

    @torch.inference_mode()
    def replies(
        self,
        chats: Sequence[Chat],
        watched: Watched | Sequence[Watched] = (),
        *,
        max_new_tokens: int,
        sampling: Sampling | None = None,
    ) -> list[Reply]:
        """Replies to many chats about the same inputs, each what :meth:`reply` would give.

        Inputs and whatever else the chats begin with are read once, and all replies are spoken in
        one batch. Where a text before an input differs (a profile that puts the text first), they
        share nothing and are answered one by one. Raises :class:`ModelError` as ``reply``.
        """
        with model_errors():
            prompts = [self._rendered(chat, watched) for chat in chats]
            shared = shared_tokens(prompts, self._model.config) if len(chats) > 1 else 0
            if shared:
                said = self._speak_behind(prompts, shared, max_new_tokens, sampling or GREEDY)
                return [self._reply_of_ids(each) for each in said]
        return [
            self.reply(chat, watched, max_new_tokens=max_new_tokens, sampling=sampling)
            for chat in chats
        ]

    def _speak_behind(
        self, prompts: Sequence[Rendered], shared: int, limit: int, sampling: Sampling
    ) -> list[Generation]:
        """Replies behind the first ``shared`` tokens, which are all prompts' own."""
        tails = [self._embedded(prompt, start=shared) for prompt in prompts]
        room = shared + sum(tail.embeds_1SD.shape[1] for tail in tails) + len(tails) * (limit - 1)
        model = self._model
        cache = KVCache(model.config.text, room, dtype=model.dtype, device=self._device)
        prefill(model, *self._embedded(prompts[0], end=shared), cache)
        return generate_behind(
            model,
            cache,
            tails,
            max_new_tokens=limit,
            stop_ids=self._stop_ids,
            sampling=sampling,
            vocab=self._tokenizer.size,
        )

    @torch.inference_mode()
    def choose(
        self, chat: Chat, watched: Watched | Sequence[Watched], answers: Sequence[str]
    ) -> tuple[float, ...]:
        """How probable each answer is as the whole reply, among these answers; they sum to 1.

        All are scored in one pass. Raises :class:`ModelError` as ``reply``, and on an empty answer.
        """
        with model_errors():
            ids = [self._tokenizer.encode(answer) for answer in answers]
            ended = [[*each, self._tokenizer.im_end] if each else [] for each in ids]
            return tuple(choose(self._model, *self._prompt(chat, watched), ended).probabilities)

    @torch.inference_mode()
    def hidden(self, chat: Chat, watched: Watched | Sequence[Watched], layer: int) -> Tensor:
        """Hidden states (S, D) of every prompt token after ``layer`` layers, before any norm.

        For embeddings: take the last token, or the mean over tokens. Raises :class:`ModelError` as
        ``reply``, and on a layer the decoder does not have.
        """
        with model_errors():
            embeds, positions_31S = self._prompt(chat, watched)
            hidden_1SD = self._model.text.hidden(whole_of(embeds), positions_31S, layer=layer)
            hidden_SD: Tensor = hidden_1SD[0]
        return hidden_SD

    def _rendered(self, chat: Chat, watched: Watched | Sequence[Watched]) -> Rendered:
        given, config = as_inputs(watched), self._model.config
        return render(chat, given, self._tokenizer, config, self.profile)

    def _prompt(self, chat: Chat, watched: Watched | Sequence[Watched]) -> Prompt:
        return self._embedded(self._rendered(chat, watched))

    def _embedded(self, prompt: Rendered, start: int = 0, end: int | None = None) -> Prompt:
        """Embeddings (formed as they are read) and positions of the prompt's tokens [start, end).

        All vision tokens must lie inside, or all before ``start``.
        """
        tokens = () if start or prompt.tokens_MD is None else (prompt.tokens_MD,)
        embeds_1SD = PromptEmbeds(self._model, prompt.ids[start:end], tokens)
        return Prompt(embeds_1SD, prompt.positions_3S[:, None, start:end].to(self._device))

    def constraint(self, grammar: str) -> Constraint:
        """Holds one reply to a grammar, given as Lark text.

        Raises :class:`ModelError` when it cannot be compiled.
        """
        with model_errors():
            return Grammar(self._vocabulary, grammar).start()

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        rows = self._model.config.text.vocab_size
        return Vocabulary(self._tokenizer, stop_ids=self._stop_ids, vocab_size=rows)

    def _reply_of_ids(self, said: Generation) -> Reply:
        tokens = [Token(*pair) for pair in zip(said.ids, said.logprobs, strict=True)]
        return self._reply_of(tokens, self._tokenizer.decode(said.ids), stopped=said.stopped)

    def _reply_of(self, said: Sequence[Token], text: str, *, stopped: bool) -> Reply:
        return Reply(
            text=text,
            pieces=tuple(self._tokenizer.decode([token.id]) for token in said),
            logprobs=tuple(token.logprob for token in said),
            cut_short=not stopped,
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
    compiled: bool = False,
) -> Engine:
    """Load a checkpoint; ``auto``: CUDA in bfloat16 where there is a card, else CPU in float32.

    ``weights`` other than ``stored`` makes bytes of them, and says so in the engine's identity.
    ``compiled`` compiles the decoding of single replies at its first use.
    Raises :class:`ModelError` when the device is missing or cannot, or the folder cannot be loaded.
    """
    place = device_called(device)
    own = torch.bfloat16 if place == "cuda" else torch.float32
    kind = own if dtype == "auto" else _DTYPES[dtype]
    quantized = None if weights == "stored" else weights
    with model_errors():
        model = load_model(checkpoint.folder, device=place, dtype=kind, quantized=quantized)
        tokenizer = Tokenizer.from_folder(checkpoint.folder)
        tokenizer.check(model.config)
        stop_ids = load_stop_ids(checkpoint.folder)
        if compiled:
            compile_decoding(model)
        return Engine(checkpoint, model, tokenizer, stop_ids, weights)


def _hear(
    tokens: Generator[Token, None, None], words: TextStream, on_text: OnText
) -> tuple[list[Token], str]:
    """The tokens up to a stop string or the end, and their text, told to ``on_text`` on the way."""
    said, pieces = [], []
    with closing(tokens):
        for token in tokens:
            said.append(token)
            pieces.append(words.feed(token.id))
            on_text(pieces[-1])
            if words.stopped:
                break
    if rest := words.finish():
        pieces.append(rest)
        on_text(rest)
    return said, "".join(pieces)


def device_called(name: Device) -> str:
    """The torch name of a device asked for; raises :class:`ModelError` where there is none."""
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise ModelError(
            "there is no CUDA device",
            code="device_missing",
            next_step="Use --device cpu, or install a CUDA build of torch and its driver.",
        )
    return ("cuda" if present else "cpu") if name == "auto" else name


@contextmanager
def model_errors() -> Iterator[None]:
    """The network's errors as ours: same message, same next step."""
    try:
        yield
    except Qwen25VLError as err:
        raise ModelError(str(err), code="model_failed", next_step=err.next_step) from err
