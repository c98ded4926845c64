"""Embeddings formed as they are read are those of the whole prompt, and let go of what is read."""

from __future__ import annotations

import weakref

import pytest
import torch

from qwen25vl import KVCache, PromptEmbeds, PromptError, Qwen25VL, prefill
from qwen25vl.embedding import part_of, whole_of

IDS = [20, 11, 11, 21, 11, 11, 11, 22, 23]


@pytest.fixture
def model(make_config, make_model) -> Qwen25VL:
    return make_model(make_config())


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randn(5, 64)


@pytest.mark.parametrize("lengths", [[5], [1, 4], [2, 2, 1]])
@pytest.mark.parametrize("step", [1, 2, 4, 9])
@torch.no_grad()
def test_parts_are_the_whole_prompts(lengths, step, model, tokens):
    whole = model.embed_prompt(torch.tensor([IDS]), tokens)
    embeds = PromptEmbeds(model, IDS, tokens.split(lengths))
    parts = [part_of(embeds, at, min(at + step, 9)) for at in range(0, 9, step)]
    assert torch.equal(torch.cat(parts, dim=1), whole)
    assert (embeds.shape, embeds.dtype, embeds.device) == (whole.shape, whole.dtype, whole.device)


@torch.no_grad()
def test_a_prompt_formed_as_it_is_read_fills_the_cache_as_the_whole_one(model, tokens):
    whole = model.embed_prompt(torch.tensor([IDS]), tokens)
    positions = torch.arange(9).expand(3, 1, 9)
    caches = [KVCache(model.config.text, 9) for _ in range(2)]
    embeds = PromptEmbeds(model, IDS, [tokens])
    states = [
        prefill(model, each, positions, cache, chunk=4)
        for each, cache in zip((whole, embeds), caches, strict=True)
    ]
    assert torch.equal(*states)
    assert torch.equal(caches[0].keys, caches[1].keys)


@torch.no_grad()
def test_tokens_that_were_read_are_let_go(model):
    parts = [torch.randn(2, 64), torch.randn(3, 64)]
    first, second = (weakref.ref(part) for part in parts)
    embeds = PromptEmbeds(model, IDS, parts)
    parts.clear()
    embeds.part(0, 3)
    assert first() is None
    assert second() is not None
    embeds.part(3, 9)
    assert second() is None


@torch.no_grad()
def test_tokens_that_are_gone_cannot_be_read_again(model, tokens):
    embeds = PromptEmbeds(model, IDS, [tokens])
    whole_of(embeds)
    with pytest.raises(PromptError, match="from 0 are asked for, those before 5 are gone"):
        embeds.part(0, 2)


@pytest.mark.parametrize("count", [0, 4, 6])
def test_there_is_one_token_for_every_pad(count, model):
    with pytest.raises(PromptError, match=f"{count} vision tokens for 5 pads"):
        PromptEmbeds(model, IDS, [torch.randn(count, 64)])


def test_text_alone_needs_no_tokens(model):
    assert torch.equal(
        whole_of(PromptEmbeds(model, [20, 21])), model.embed(torch.tensor([[20, 21]]))
    )
