"""Samples to one padded batch: every clip once, all its questions behind it, none seeing another.

Axes: B clips, S tokens, F frames, R rows (padded), Q questions per clip, T reply tokens in all.
A sequence is ``opening | vision tokens | vision end | question 1 | question 2 | ...``. A block
mask lets a question attend to the shared part and to itself, and every question starts at the same
position, so each is trained exactly as if it had been asked alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from qwen25vl import ModelConfig, next_position
from vidqa_nano.labels import RowLabels, question_labels, row_labels
from vidqa_nano.looking import Draft, Looks, gather
from vidqa_nano.questions import Question
from vidqa_nano.timing import TOKENS_PER_ROW, Shared, TimeRule, shared_part
from vidqa_nano.windows import Sample
from vidqa_nano.wording import EMBED_TEXT, TEXT_OPENING, TURN

FIRST_WEIGHT = 6.0
"""What the first token of a short answer counts: a letter, a yes, a number is the answer itself."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one step needs."""

    frames_FHWC: Tensor
    """uint8; all clips' frames, one clip after another."""
    rows_B: list[int]
    ids_BS: Tensor
    positions_3BS: Tensor
    mask_B1SS: Tensor
    vision_at: tuple[Tensor, Tensor]
    """Batch and sequence index of every vision token, in the order of the frames."""
    ask_at_BQ: Tensor
    """Sequence index of the last token before each reply; 0 where a clip has fewer questions."""
    asked_BQ: Tensor
    """True where a clip has a question."""
    reply_at: tuple[Tensor, Tensor]
    """Batch and sequence index of the tokens that predict each of ``reply_T``."""
    reply_T: Tensor
    reply_weight_T: Tensor
    """What each of them counts in the loss."""
    labels: RowLabels
    active_BQR3: Tensor
    """Per question and row: happening, starting, ending (0 to 1)."""
    looks: Looks
    embed_at: tuple[Tensor, Tensor]
    """Batch and sequence index of the tokens that stand for the clips that are embedded."""
    texts: Texts | None
    """The texts of these clips, as many for each."""

    def to(self, device: torch.device) -> Batch:
        """The same with its tensors on a device; the frames stay, patches are made of them."""
        if device.type == "cpu":
            return self
        moved: Batch = _moved(self, device)
        return replace(moved, frames_FHWC=self.frames_FHWC)


@dataclass(frozen=True, slots=True)
class Texts:
    """Prompts without a video, padded behind: the state of each one's last token is its vector."""

    ids_NS: Tensor
    last_N: Tensor


@dataclass(slots=True)
class _Packed:
    ids: list[int]
    blocks: list[int]
    vision: list[int]
    positions_3S: Tensor
    draft: Draft
    asks: list[int] = field(default_factory=list)
    reply_at: list[int] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


class Packer:
    """Tokenizes and packs for one tokenizer, model configuration and way to tell time."""

    def __init__(
        self, tokenizer: Tokenizer, config: ModelConfig, time_rule: TimeRule = "reference"
    ) -> None:
        self.tokenizer, self.config = tokenizer, config
        self.time_rule: TimeRule = time_rule
        self.turn, self.text_opening = self._ids(TURN), self._ids(TEXT_OPENING)
        (self.end,), (self.pad,) = self._ids("<|im_end|>"), self._ids("<|endoftext|>")
        self.known: dict[str, list[int]] = {}

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids

    def ids(self, text: str) -> list[int]:
        """Token ids of ``text``, remembered."""
        if text not in self.known:
            self.known[text] = self._ids(text)
        return self.known[text]

    def pieces(self, text: str) -> list[str]:
        """The tokens of ``text`` as they are written."""
        return [self.tokenizer.id_to_token(i) or "" for i in self.ids(text)]

    def places(self, text: str, ends: Sequence[int]) -> list[int]:
        """The token of ``text`` that holds the last character before each of ``ends``."""
        starts = [start for start, _ in self.tokenizer.encode(text).offsets] if ends else []
        return [bisect_left(starts, end) - 1 for end in ends]

    def shared(self, row_seconds: Sequence[float]) -> Shared:
        """The prompt up to the end of a video whose rows start at these seconds."""
        return shared_part(row_seconds, self.time_rule, self.ids, self.config)

    def pack(self, samples: Sequence[Sample]) -> Batch:
        """One batch; clips may have different numbers of questions."""
        packed = [self._pack_one(sample) for sample in samples]
        length = max(len(p.ids) for p in packed)
        positions = torch.zeros(3, len(packed), length, dtype=torch.int64)
        ids = torch.full((len(packed), length), self.pad)
        blocks = torch.full((len(packed), length), -1)
        for b, p in enumerate(packed):
            ids[b, : len(p.ids)] = torch.tensor(p.ids)
            blocks[b, : len(p.ids)] = torch.tensor(p.blocks)
            positions[:, b, : len(p.ids)] = p.positions_3S
        rows = [len(sample.row_seconds) for sample in samples]
        frames = np.concatenate([sample.frames_THWC for sample in samples])
        return Batch(
            frames_FHWC=torch.from_numpy(np.ascontiguousarray(frames)),
            rows_B=rows,
            ids_BS=ids,
            positions_3BS=positions,
            mask_B1SS=block_mask(blocks),
            vision_at=_vision_index(packed),
            ask_at_BQ=_filled([p.asks for p in packed]),
            asked_BQ=_filled([[1] * len(p.asks) for p in packed]).bool(),
            reply_at=_reply_index(packed),
            reply_T=torch.tensor([i for p in packed for i in p.replies]),
            reply_weight_T=torch.tensor([weight for p in packed for weight in p.weights]),
            labels=row_labels(samples),
            active_BQR3=question_labels(samples),
            looks=gather([p.draft for p in packed], length),
            embed_at=_embed_index(samples, packed),
            texts=self.texts([told.text for sample in samples for told in sample.texts]),
        )

    def texts(self, texts: Sequence[str]) -> Texts | None:
        """The prompts that ask for the vectors of texts; None of none."""
        if not texts:
            return None
        rows = [[*self.text_opening, *self.ids(_as_asked(t)), *self.turn] for t in texts]
        ids = torch.full((len(rows), max(map(len, rows))), self.pad)
        for n, row in enumerate(rows):
            ids[n, : len(row)] = torch.tensor(row)
        return Texts(ids, torch.tensor([len(row) - 1 for row in rows]))

    def _pack_one(self, sample: Sample) -> _Packed:
        ids, shared_3S, vision = self.shared(sample.row_seconds)
        draft = Draft(sample, vision, TOKENS_PER_ROW)
        packed = _Packed(ids, [0] * len(ids), vision, shared_3S, draft)
        runs, start = [shared_3S], next_position(shared_3S)
        for block, question in enumerate(sample.questions, start=1):
            length = self._add(packed, question, block)
            runs.append(torch.arange(start, start + length).expand(3, -1))
        packed.positions_3S = torch.cat(runs, dim=1)
        return packed

    def _add(self, packed: _Packed, question: Question, block: int) -> int:
        begin = len(packed.ids)
        asked = [*self.ids(question.text), *self.turn]
        answer = [*self.ids(question.reply), self.end] if question.reply else []
        at = begin + len(asked) - 1
        for mark in question.marks:
            ends = [mark.end] if mark.said is None else [mark.end, mark.said]
            named, *said = (begin + place for place in self.places(question.text, ends))
            packed.draft.add_mark(mark, named, said, at)
        packed.draft.add(block - 1, at, self.pieces(question.reply))
        packed.asks.append(at)
        packed.reply_at += range(at, at + len(answer))
        packed.replies += answer
        first = FIRST_WEIGHT if question.task == "ask" else 1.0
        packed.weights += [first, *[1.0] * (len(answer) - 1)] if answer else []
        packed.ids += asked + answer
        packed.blocks += [block] * (len(asked) + len(answer))
        return len(asked) + len(answer)


def packers_of(
    rules: Sequence[TimeRule], tokenizer: Tokenizer, config: ModelConfig
) -> dict[TimeRule, Packer]:
    """A packer for each way to tell time."""
    return {rule: Packer(tokenizer, config, rule) for rule in rules}


def block_mask(blocks_BS: Tensor) -> Tensor:
    """True where token s may attend to k: (B, 1, S, S) from block numbers, 0 shared, -1 padding."""
    same = blocks_BS[:, :, None] == blocks_BS[:, None, :]
    shared = blocks_BS[:, None, :] == 0
    return ((same | shared).tril())[:, None]


def _moved(value: Any, device: torch.device) -> Any:
    """Tensors on a device, in the same fields and tuples."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple):
        return tuple(_moved(item, device) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _moved(getattr(value, f.name), device) for f in fields(value)}
        return replace(value, **changed)
    return value


def _as_asked(text: str) -> str:
    return EMBED_TEXT.format(text=text)


def _filled(rows: Sequence[Sequence[int]]) -> Tensor:
    """Rows of different lengths as one tensor, zeros behind."""
    longest = max(1, *map(len, rows))
    return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])


def _embed_index(samples: Sequence[Sample], packed: Sequence[_Packed]) -> tuple[Tensor, Tensor]:
    found = [
        (b, at)
        for b, (sample, p) in enumerate(zip(samples, packed, strict=True))
        for question, at in zip(sample.questions, p.asks, strict=True)
        if question.task == "embed"
    ]
    clip, token = torch.tensor(found, dtype=torch.int64).reshape(-1, 2).unbind(1)
    return clip, token


def _vision_index(packed: Sequence[_Packed]) -> tuple[Tensor, Tensor]:
    counts = torch.tensor([len(p.vision) for p in packed])
    clip = torch.repeat_interleave(torch.arange(len(packed)), counts)
    return clip, torch.tensor([at for p in packed for at in p.vision])


def _reply_index(packed: Sequence[_Packed]) -> tuple[Tensor, Tensor]:
    counts = torch.tensor([len(p.reply_at) for p in packed])
    clip = torch.repeat_interleave(torch.arange(len(packed)), counts)
    return clip, torch.tensor([at for p in packed for at in p.reply_at])
