"""Many replies at once are the replies each prompt gets alone."""

from __future__ import annotations

import pytest
import torch

from qwen25vl import (
    KVCache,
    Prompt,
    PromptError,
    Qwen25VL,
    Sampling,
    generate,
    generate_batch,
    generate_behind,
    prefill,
)

SAMPLINGS = [Sampling(), Sampling(temperature=1.5, top_p=0.9, top_k=50, seed=4)]


@pytest.fixture
def model(make_config, make_model) -> Qwen25VL:
    return make_model(make_config())


def prompt(model: Qwen25VL, length: int, *, after: int = 0) -> Prompt:
    generator = torch.Generator().manual_seed(length)
    ids = torch.randint(20, 200, (1, length), generator=generator)
    places = torch.arange(after, after + length).expand(3, 1, -1)
    return Prompt(model.embed(ids).detach(), places)


def same(found, alone) -> None:
    assert found.ids == alone.ids
    assert found.stopped == alone.stopped
    assert found.logprobs == pytest.approx(alone.logprobs, abs=1e-5)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("lengths", [[7], [5, 5], [3, 11, 1, 6]])
def test_each_row_of_a_batch_is_its_lone_run(lengths, sampling, model):
    prompts = [prompt(model, length) for length in lengths]
    free = [generate(model, *p, max_new_tokens=9, stop_ids=()).ids for p in prompts]
    settings = {"max_new_tokens": 9, "stop_ids": (free[0][4],), "sampling": sampling}
    found = generate_batch(model, prompts, **settings)
    for reply, row in zip(found, prompts, strict=True):
        same(reply, generate(model, *row, **settings))


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("lengths", [[4], [3, 6, 1]])
def test_each_question_behind_a_prefix_is_its_lone_run(lengths, sampling, model):
    cache = KVCache(model.config.text, 11 + sum(lengths) + 6 * len(lengths))
    prefill(model, *prompt(model, 10), cache)
    before = cache.keys[..., :10, :].clone(), cache.values[..., :10, :].clone()
    questions = [prompt(model, length, after=10) for length in lengths]
    settings = {"max_new_tokens": 7, "sampling": sampling}
    free = generate(model, *questions[0], stop_ids=(), cache=cache, **settings)
    cache.truncate(10)
    stop = (free.ids[3],)
    found = generate_behind(model, cache, questions, stop_ids=stop, **settings)
    assert cache.length == 10
    assert torch.equal(cache.keys[..., :10, :], before[0])
    assert torch.equal(cache.values[..., :10, :], before[1])
    for reply, question in zip(found, questions, strict=True):
        same(reply, generate(model, *question, stop_ids=stop, cache=cache, **settings))
        cache.truncate(10)


def test_rows_end_at_different_steps(model):
    prompts = [prompt(model, length) for length in (4, 9)]
    free = [generate(model, *p, max_new_tokens=8, stop_ids=()).ids for p in prompts]
    stop = next(token for token in free[0] if token not in free[1])
    found = generate_batch(model, prompts, max_new_tokens=8, stop_ids=(stop,))
    assert [reply.ids for reply in found] == [free[0][: free[0].index(stop)], free[1]]
    assert [reply.stopped for reply in found] == [True, False]


def test_questions_without_room_are_refused_before_any_work(model):
    cache = KVCache(model.config.text, 20)
    prefill(model, *prompt(model, 10), cache)
    questions = [prompt(model, 3, after=10)] * 2
    with pytest.raises(PromptError, match="10 \\+ 12 tokens exceed the cache's 20"):
        generate_behind(model, cache, questions, max_new_tokens=4, stop_ids=())
    assert cache.length == 10


def test_a_batch_in_bfloat16_has_finite_scores(model):
    model = model.bfloat16()
    found = generate_batch(model, [prompt(model, n) for n in (2, 6)], max_new_tokens=3, stop_ids=())
    assert all(-20 < logprob < 0 for reply in found for logprob in reply.logprobs)


def test_a_batch_has_at_least_one_prompt(model):
    with pytest.raises(PromptError, match="no prompts"):
        generate_batch(model, [], max_new_tokens=1, stop_ids=())


@pytest.mark.parametrize("chunk", [1, 4, 9, 100])
def test_a_prompt_in_chunks_is_the_prompt_at_once(chunk, model):
    whole, parts = (KVCache(model.config.text, 9) for _ in range(2))
    at_once = prefill(model, *prompt(model, 9), whole)
    chunked = prefill(model, *prompt(model, 9), parts, chunk=chunk)
    assert (at_once - chunked).abs().max() <= 1e-5
    assert (whole.keys - parts.keys).abs().max() <= 1e-5
    assert (whole.values - parts.values).abs().max() <= 1e-5


@pytest.mark.parametrize("chunk", [0, -1])
def test_a_chunk_has_at_least_one_token(chunk, model):
    with pytest.raises(PromptError, match="in chunks of"):
        prefill(model, *prompt(model, 3), KVCache(model.config.text, 3), chunk=chunk)
