"""Replies and choices: through the cache or without it, the numbers are the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from qwen25vl import KVCache, PromptError, Qwen25VL, choose, generate


@pytest.fixture
def model(make_config, make_model) -> Qwen25VL:
    return make_model(make_config())


def text_prompt(length: int = 12, seed: int = 2) -> tuple[Tensor, Tensor]:
    ids = torch.randint(20, 200, (1, length), generator=torch.Generator().manual_seed(seed))
    return ids, torch.arange(length).expand(3, 1, length)


@torch.no_grad()
def scores(model: Qwen25VL, ids_1S: Tensor) -> Tensor:
    """Log-probabilities after every token, all at once and without a cache."""
    positions = torch.arange(ids_1S.shape[1]).expand(3, 1, -1)
    return model(ids_1S, positions)[0].log_softmax(-1)


def test_a_cached_reply_equals_recomputing_every_token(model):
    ids, positions = text_prompt()
    reply = generate(model, model.embed(ids), positions, max_new_tokens=20, stop_ids=())
    whole = torch.cat([ids, torch.tensor([reply.ids])], dim=1)
    after = scores(model, whole)[ids.shape[1] - 1 : -1]
    assert reply.ids == after.argmax(-1).tolist()
    assert reply.logprobs == pytest.approx(after.max(-1).values.tolist(), abs=1e-5)
    assert not reply.stopped


def test_a_reply_ends_before_its_stop_token(model):
    ids, positions = text_prompt()
    full = generate(model, model.embed(ids), positions, max_new_tokens=8, stop_ids=())
    stop = full.ids[3]
    first = full.ids.index(stop)
    reply = generate(model, model.embed(ids), positions, max_new_tokens=8, stop_ids=(199, stop))
    assert reply.ids == full.ids[:first]
    assert len(reply.logprobs) == first
    assert reply.stopped


def test_a_second_question_reuses_the_prefix(model):
    ids, positions = text_prompt(16)
    embeds = model.embed(ids)
    cache = KVCache(model.config.text, 40)
    with torch.no_grad():
        model.text(embeds[:, :10], positions[:, :, :10], cache=cache)
    rest = (embeds[:, 10:], positions[:, :, 10:])
    first = generate(model, *rest, max_new_tokens=10, stop_ids=(), cache=cache)
    cache.truncate(10)
    second = generate(model, *rest, max_new_tokens=10, stop_ids=(), cache=cache)
    alone = generate(model, embeds, positions, max_new_tokens=10, stop_ids=())
    assert first.ids == second.ids == alone.ids


def test_generation_leaves_no_graph_behind(model):
    ids, positions = text_prompt()
    cache = KVCache(model.config.text, 40)
    generate(model, model.embed(ids), positions, max_new_tokens=3, stop_ids=(), cache=cache)
    assert not cache.keys.requires_grad


def test_choices_in_one_pass_equal_scoring_each_alone(model):
    ids, positions = text_prompt()
    answers = [[30], [31, 40, 41], [31, 40, 42], [90, 91], [30, 30, 30, 30]]
    found = choose(model, model.embed(ids), positions, answers)
    for answer, logprob in zip(answers, found.logprobs, strict=True):
        after = scores(model, torch.cat([ids, torch.tensor([answer])], dim=1))
        steps = after[ids.shape[1] - 1 : -1].gather(1, torch.tensor(answer)[:, None])
        assert logprob == pytest.approx(steps.sum().item(), abs=1e-4)
    assert sum(found.probabilities) == pytest.approx(1.0)


def test_choosing_leaves_the_prompt_in_the_cache(model):
    ids, positions = text_prompt()
    cache = KVCache(model.config.text, 40)
    embeds = model.embed(ids)
    before = choose(model, embeds, positions, [[30, 31], [32]], cache=cache)
    assert cache.length == ids.shape[1]
    cache.truncate(ids.shape[1] - 1)
    again = choose(model, embeds[:, -1:], positions[:, :, -1:], [[30, 31], [32]], cache=cache)
    assert again.logprobs == pytest.approx(before.logprobs, abs=1e-5)


def test_a_packed_mask_gives_each_question_the_numbers_it_has_alone(model):
    ids, _ = text_prompt(14)
    prefix, first, second = ids[:, :6], ids[:, 6:10], ids[:, 10:]
    places = torch.cat([torch.arange(6), torch.arange(6, 10), torch.arange(6, 10)])
    owner = torch.tensor([0] * 6 + [1] * 4 + [2] * 4)
    mask = ((owner == 0) | (owner[:, None] == owner)).tril()
    with torch.no_grad():
        packed = model.text(model.embed(ids), places.expand(3, 1, -1), mask=mask)
        batched = model.text(model.embed(ids), places.expand(3, 1, -1), mask=mask[None, None])
    assert torch.equal(packed, batched)
    for part, start in ((first, 6), (second, 10)):
        alone = scores(model, torch.cat([prefix, part], dim=1))[6:]
        together = model.logits(packed[0, start : start + 4]).log_softmax(-1)
        assert (alone - together).abs().max() <= 1e-5


@pytest.mark.parametrize("batch", [0, 2])
def test_only_one_prompt_at_a_time(batch, model):
    embeds = torch.zeros(batch, 4, model.config.text.hidden_size)
    with pytest.raises(PromptError, match=r"not \(1, S, D\)"):
        generate(model, embeds, torch.zeros(3, batch, 4), max_new_tokens=1, stop_ids=())


def test_a_full_cache_is_an_error_before_any_work(model):
    ids, positions = text_prompt()
    cache = KVCache(model.config.text, 15)
    with pytest.raises(PromptError, match="exceed the cache's 15"):
        generate(model, model.embed(ids), positions, max_new_tokens=4, stop_ids=(), cache=cache)
    assert cache.length == 0


@pytest.mark.parametrize("other", [{"dtype": torch.bfloat16}, {"batch": 2}, {"device": "meta"}])
def test_a_cache_of_another_kind_is_refused_before_any_work(other, model):
    ids, positions = text_prompt()
    cache = KVCache(model.config.text, 40, **other)
    with pytest.raises(PromptError, match="for a cache of"):
        generate(model, model.embed(ids), positions, max_new_tokens=4, stop_ids=(), cache=cache)
    assert cache.length == 0


def test_a_cache_cannot_be_truncated_to_more_than_it_holds(model):
    with pytest.raises(PromptError):
        KVCache(model.config.text, 15).truncate(1)


@pytest.mark.parametrize("choices", [[], [[]], [[5], []]])
def test_empty_choices_are_refused(choices, model):
    ids, positions = text_prompt()
    with pytest.raises(PromptError):
        choose(model, model.embed(ids), positions, choices)


def test_at_least_one_token_must_be_asked_for(model):
    ids, positions = text_prompt()
    with pytest.raises(PromptError, match="max_new_tokens is 0"):
        generate(model, model.embed(ids), positions, max_new_tokens=0, stop_ids=())
