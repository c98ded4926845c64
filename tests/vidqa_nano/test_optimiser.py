"""The optimiser: who changes which weights, at which rate."""

from __future__ import annotations

import torch
from torch import nn

from qwen25vl import ModelConfig, Qwen25VL
from vidqa_nano.config import nano_config
from vidqa_nano.make_tokenizer import make_tokenizer
from vidqa_nano.optimiser import Optimiser


def _network() -> Qwen25VL:
    torch.manual_seed(0)
    return Qwen25VL(ModelConfig.from_json(nano_config(make_tokenizer())))


def test_every_weight_is_trained_once() -> None:
    model, head = _network(), nn.Linear(4, 2)
    trained = [*Optimiser(model, head, decay=0.0).parameters()]
    assert len({id(p) for p in trained}) == len(trained)
    assert {id(p) for p in trained} == {id(p) for p in [*model.parameters(), *head.parameters()]}


def test_a_matrix_is_changed_in_all_its_directions_alike() -> None:
    model = _network()
    weight = model.text.layers[0].mlp.up_proj.weight
    before, optimiser = weight.detach().clone(), Optimiser(model, nn.Identity(), decay=0.0)
    strong, weak = torch.randn(480, 1) @ torch.randn(1, 160), torch.randn(480, 160)
    weight.grad = strong + 0.05 * weak
    optimiser.step(rate=1e-3, tower_rate=0.0)
    change = torch.linalg.svdvals(before - weight.detach())
    assert change[80] > 0.5 * change[0]
    entries = (before - weight.detach()).pow(2).mean().sqrt().item()
    assert 0.5e-4 < entries < 4e-4


def test_the_tower_has_a_rate_of_its_own_and_what_has_no_gradient_stays() -> None:
    model = _network()
    optimiser = Optimiser(model, nn.Identity(), decay=0.0)
    text, tower = model.text.layers[0].mlp.up_proj.weight, model.vision.patch_embed.proj.weight
    still = model.text.layers[1].mlp.up_proj.weight
    before = [weight.detach().clone() for weight in (text, tower, still)]
    for weight in (text, tower):
        weight.grad = torch.randn(weight.shape)
    optimiser.step(rate=0.0, tower_rate=1e-2)
    assert torch.equal(text, before[0])
    assert not torch.equal(tower, before[1])
    assert torch.equal(still, before[2])
    optimiser.forget()
    assert text.grad is None
