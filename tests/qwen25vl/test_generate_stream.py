"""Streamed, constrained, ahead of the host: the reply is the same."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch
from torch import Tensor

from qwen25vl import KVCache, Prompt, PromptError, Qwen25VL, Sampling, generate, stream
from qwen25vl import decode as decoding


@pytest.fixture
def model(make_config, make_model) -> Qwen25VL:
    return make_model(make_config())


@pytest.fixture
def prompt(model) -> Prompt:
    ids = torch.randint(20, 200, (1, 12), generator=torch.Generator().manual_seed(2))
    return Prompt(model.embed(ids).detach(), torch.arange(12).expand(3, 1, 12))


class Never:
    """Forbids one token and remembers the others."""

    def __init__(self, token: int) -> None:
        self.mask, self.taken = torch.ones(200, dtype=torch.bool), list[int]()
        self.mask[token] = False

    def allowed(self) -> Tensor:
        return self.mask

    def accept(self, token: int) -> None:
        self.taken.append(token)


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=2.0, seed=5)])
def test_a_stream_is_the_reply(sampling, model, prompt):
    settings = {"max_new_tokens": 9, "stop_ids": (), "sampling": sampling}
    reply = generate(model, *prompt, **settings)
    tokens = list(stream(model, *prompt, **settings))
    assert [token.id for token in tokens] == reply.ids
    assert [token.logprob for token in tokens] == reply.logprobs


@pytest.mark.parametrize("ahead", [False, True])
def test_a_step_begun_too_many_is_forgotten(ahead, model, prompt, monkeypatch):
    full = generate(model, *prompt, max_new_tokens=9, stop_ids=())
    stop = full.ids[4]
    monkeypatch.setattr(import_module("qwen25vl.generate"), "runs_ahead", lambda *_, **__: ahead)
    cache = KVCache(model.config.text, 40)
    reply = generate(model, *prompt, max_new_tokens=9, stop_ids=(stop,), cache=cache)
    assert reply.ids == full.ids[: full.ids.index(stop)]
    assert cache.length == 12 + len(reply.ids)


def test_only_an_unconstrained_reply_on_a_card_runs_ahead():
    assert decoding.runs_ahead("cuda", constrained=False)
    assert not decoding.runs_ahead("cuda", constrained=True)
    assert not decoding.runs_ahead("cpu", constrained=False)


def test_a_closed_stream_leaves_what_was_read(model, prompt):
    cache = KVCache(model.config.text, 40)
    tokens = stream(model, *prompt, max_new_tokens=9, stop_ids=(), cache=cache)
    next(tokens)
    next(tokens)
    tokens.close()
    assert cache.length in (13, 14)


def test_a_forbidden_token_gives_way_and_keeps_the_models_numbers(model, prompt):
    free = generate(model, *prompt, max_new_tokens=1, stop_ids=())
    rule = Never(free.ids[0])
    held = generate(model, *prompt, max_new_tokens=5, stop_ids=(), constraint=rule)
    assert free.ids[0] not in held.ids
    assert rule.taken == held.ids
    assert held.logprobs[0] < free.logprobs[0]
    with torch.no_grad():
        scores = model.logits(model.text(*prompt)[0, -1]).log_softmax(-1)
    assert held.logprobs[0] == pytest.approx(scores[held.ids[0]].item(), abs=1e-5)


def test_errors_of_a_stream_come_at_the_call(model, prompt):
    with pytest.raises(PromptError, match="max_new_tokens is 0"):
        stream(model, *prompt, max_new_tokens=0, stop_ids=())
