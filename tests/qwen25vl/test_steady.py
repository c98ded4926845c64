"""Steps of one shape say what steps over a growing cache say, and can be traced whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from qwen25vl import ConfigError, KVCache, PromptError, Qwen25VL, compile_decoding, generate
from qwen25vl.decode import Generation
from qwen25vl.steady import SteadyDecoding, steady_step


@pytest.fixture
def model(make_config, make_model) -> Qwen25VL:
    return make_model(make_config())


def reply(model: Qwen25VL, cache: KVCache | None = None) -> Generation:
    ids = torch.randint(20, 200, (1, 12), generator=torch.Generator().manual_seed(2))
    positions = torch.arange(12).expand(3, 1, -1)
    embeds = model.embed(ids)
    return generate(model, embeds, positions, max_new_tokens=16, stop_ids=(), cache=cache)


def test_a_steady_reply_is_the_plain_one(model):
    plain = reply(model)
    model.compiled_step = steady_step
    steady = reply(model)
    assert steady.ids == plain.ids
    assert steady.logprobs == pytest.approx(plain.logprobs, abs=1e-5)


def test_what_lies_in_unused_room_does_not_matter(model):
    plain = reply(model)
    cache = KVCache(model.config.text, 40)
    cache.keys.fill_(float("nan"))
    cache.values.fill_(float("nan"))
    model.compiled_step = steady_step
    assert reply(model, cache).ids == plain.ids
    assert cache.length == 12 + 15


def test_the_step_is_traced_without_a_break(model, monkeypatch):
    def traced(step: object, **how: object) -> object:
        assert how == {"fullgraph": True, "mode": None}
        return compiler(step, backend="eager", fullgraph=True)

    compiler = torch.compile
    monkeypatch.setattr(torch, "compile", traced)
    plain = reply(model)
    compile_decoding(model)
    assert reply(model).ids == plain.ids


def test_a_processor_without_a_compiler_is_refused(model, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ConfigError, match="needs a C\\+\\+ compiler"):
        compile_decoding(model)


def test_a_step_beyond_the_room_is_refused(model):
    cache = KVCache(model.config.text, 1)
    step = SteadyDecoding(model, cache, torch.zeros(3, 1, 1, dtype=torch.int64))
    scores: Tensor = step(torch.tensor([20]))
    assert scores.shape == (1, model.config.text.vocab_size)
    with pytest.raises(PromptError, match="exceed the cache's 1"):
        step(torch.tensor([20]))
