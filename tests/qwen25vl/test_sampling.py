"""Draws have the distribution that was asked for, and the seed decides them."""

from __future__ import annotations

import pytest
import torch

from qwen25vl import PromptError, Sampling
from qwen25vl.sampling import Picker, drawn_from

SCORES = torch.tensor([[0.1, 0.5, 0.15, 0.25]]).log()
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("sampling", "wanted"),
    [
        (Sampling(temperature=1.0), [0.1, 0.5, 0.15, 0.25]),
        (Sampling(temperature=0.5), [1 / 34.5, 25 / 34.5, 2.25 / 34.5, 6.25 / 34.5]),
        (Sampling(temperature=1.0, top_k=2), [0, 2 / 3, 0, 1 / 3]),
        (Sampling(temperature=1.0, top_k=9), [0.1, 0.5, 0.15, 0.25]),
        (Sampling(temperature=1.0, top_p=0.6), [0, 2 / 3, 0, 1 / 3]),
        (Sampling(temperature=1.0, top_p=1e-9), [0, 1, 0, 0]),
        (Sampling(temperature=1.0, top_k=2, top_p=0.6), [0, 1, 0, 0]),
    ],
)
def test_the_draw_has_these_probabilities(sampling, wanted):
    assert drawn_from(SCORES, sampling).exp()[0].tolist() == pytest.approx(wanted, abs=1e-6)


def test_tokens_are_drawn_as_often_as_they_are_probable():
    pick = Picker(Sampling(temperature=1.0, seed=0), 1, CPU, None)
    drawn = torch.cat([pick(SCORES) for _ in range(4000)])
    shares = torch.bincount(drawn, minlength=4) / 4000
    assert shares.tolist() == pytest.approx([0.1, 0.5, 0.15, 0.25], abs=0.03)


def test_a_seed_decides_every_draw():
    def draws(seed: int) -> list[int]:
        pick = Picker(Sampling(temperature=2.0, seed=seed), 1, CPU, None)
        return [int(pick(SCORES)) for _ in range(40)]

    assert draws(7) == draws(7)
    assert draws(7) != draws(8)


def test_rows_of_one_seed_draw_alike():
    pick = Picker(Sampling(temperature=2.0, seed=3), 2, CPU, None)
    drawn = torch.stack([pick(SCORES.expand(2, -1)) for _ in range(20)])
    assert torch.equal(drawn[:, 0], drawn[:, 1])


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=5.0, seed=1)])
def test_padding_rows_of_the_vocabulary_are_never_taken(sampling):
    pick = Picker(sampling, 1, CPU, 1)
    assert {int(pick(SCORES)) for _ in range(20)} == {0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_k": -1},
        {"seed": 2**64},
        {"seed": -(2**63) - 1},
    ],
)
def test_values_without_a_meaning_are_refused(wrong):
    with pytest.raises(PromptError, match=next(iter(wrong))):
        Sampling(**wrong)


def test_a_vocabulary_has_tokens():
    with pytest.raises(PromptError, match="vocab is 0"):
        Picker(Sampling(), 1, CPU, 0)
