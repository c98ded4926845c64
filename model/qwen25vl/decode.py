"""The loop all replies share: a step gives scores, a token is taken, the next step starts.

Where the device works beside the host, the next step is launched from the device's own token before
the host reads that token, so the device never waits; the one step begun too many is forgotten. A
constraint lives on the host and must see each token first: then every token costs one sync.
Axes: R rows (independent replies), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from qwen25vl.embedding import Embeds
from qwen25vl.errors import PromptError

Step = Callable[[Tensor], Tensor]
"""Last tokens (R,) to log-probabilities (R, V) of the next, both on the device."""


class Prompt(NamedTuple):
    """One row of a batch, or one question behind a prefix."""

    embeds_1SD: Embeds
    positions_31S: Tensor


class Token(NamedTuple):
    id: int
    logprob: float
    """The model's own, over the whole vocabulary: before temperature, cuts and constraint."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A reply, token by token."""

    ids: list[int]
    """Without the token that ended it."""
    logprobs: list[float]
    """Natural log of each token's probability over the whole vocabulary, one per id."""
    stopped: bool
    """Ended by a stop token; False when it was cut off by the limit."""


class _Reading:
    """Tokens and log-probabilities on their way to the host, behind the work queued so far."""

    def __init__(self, ids_R: Tensor, scores_RV: Tensor) -> None:
        taken_R = scores_RV.gather(1, ids_R[:, None])[:, 0]
        # float32 holds every id below 2 ** 24; one copy then brings both.
        pair_2R = torch.stack((ids_R.float(), taken_R))
        self._pair_2R = pair_2R.to("cpu", non_blocking=True)
        self._arrived = torch.cuda.Event() if pair_2R.is_cuda else None
        if self._arrived is not None:
            self._arrived.record()

    def wait(self) -> list[Token]:
        if self._arrived is not None:
            self._arrived.synchronize()
        ids, logprobs = self._pair_2R.tolist()
        return [Token(int(token), logprob) for token, logprob in zip(ids, logprobs, strict=True)]


def runs_ahead(device: str, *, constrained: bool) -> bool:
    """Whether to start a step before its token is read: it pays only where both work at once."""
    return device == "cuda" and not constrained


def decode(
    scores_RV: Tensor, step: Step, pick: Step, *, limit: int, ahead: bool
) -> Iterator[list[Token]]:
    """Up to ``limit`` lists of one token per row, the first taken from ``scores_RV``."""
    for left in range(limit - 1, -1, -1):
        ids_R = pick(scores_RV)
        reading = _Reading(ids_R, scores_RV)
        if ahead and left:
            scores_RV = step(ids_R)
        yield reading.wait()
        if left and not ahead:
            scores_RV = step(ids_R)


def never() -> bool:
    """For replies that nobody ends early."""
    return False


def collect(
    steps: Iterable[Sequence[Token]],
    rows: int,
    stop_ids: Sequence[int],
    until: Callable[[], bool] = never,
) -> list[Generation]:
    """Replies of all rows; each ends on its own, and reading stops when all have, or when ``until``
    says so after a step."""
    replies = [Generation([], [], stopped=False) for _ in range(rows)]
    going = set(range(rows))
    for tokens in steps:
        for row in sorted(going):
            token = tokens[row]
            if token.id in stop_ids:
                replies[row] = Generation(replies[row].ids, replies[row].logprobs, stopped=True)
                going.remove(row)
            else:
                replies[row].ids.append(token.id)
                replies[row].logprobs.append(token.logprob)
        if not going or until():
            break
    return replies


def require_prompts(prompts: Sequence[Prompt], max_new_tokens: int) -> None:
    """Raises PromptError for no prompts, an empty or batched one, or a limit below one."""
    if max_new_tokens < 1:
        raise PromptError(f"max_new_tokens is {max_new_tokens}", next_step="ask for at least one")
    if not prompts:
        raise PromptError("no prompts", next_step="pass at least one")
    for embeds_1SD, positions_31S in prompts:
        if len(embeds_1SD.shape) != 3 or embeds_1SD.shape[0] != 1 or embeds_1SD.shape[1] < 1:
            message = f"prompt embeddings are {tuple(embeds_1SD.shape)}, not (1, S, D) with S >= 1"
            raise PromptError(
                message, next_step="pass one prompt at a time, at least its last token"
            )
        if tuple(positions_31S.shape) != (3, *embeds_1SD.shape[:2]):
            message = f"positions {tuple(positions_31S.shape)}, embeds {tuple(embeds_1SD.shape)}"
            raise PromptError(message, next_step="pass ids (3, 1, S) for embeddings (1, S, D)")


def after_last(positions_3RS: Tensor) -> Tensor:
    """Ids (3, R, 1) of the first generated tokens, on the device (see ``next_position``)."""
    return (positions_3RS[..., -1:].amax(0, keepdim=True) + 1).expand(3, -1, -1)


def log_scores(logits: Tensor) -> Tensor:
    """Logits to log-probabilities over the last axis, in float32."""
    return logits.float().log_softmax(-1)
