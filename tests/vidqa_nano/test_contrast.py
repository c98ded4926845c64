"""Clips and texts are drawn together by what is true of what."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vidqa_nano.contrast import (
    REMEMBERED,
    TEMPERATURE,
    Memory,
    contrast_loss,
    told_loss,
    untrue,
)
from vidqa_nano.phrases import BY_NAME
from vidqa_nano.queries import COLUMN, Seen, happening
from vidqa_nano.telling import caption_of, tell

EVENTS = [
    Seen(BY_NAME["ball_bounces"], "red", 6.0, 8.0),
    Seen(BY_NAME["person_opens_door"], "blue", 1.0, 3.0),
]


def hot(*columns: int) -> torch.Tensor:
    row = torch.zeros(len(COLUMN))
    row[list(columns)] = 1.0
    return row


def test_a_text_is_untrue_of_a_clip_where_one_claim_does_not_happen() -> None:
    claims = torch.stack([hot(1), hot(1, 2)])
    happens = torch.stack([hot(1, 2, 3), hot(1)])
    assert untrue(claims, happens).tolist() == [[False, False], [False, True]]


def test_the_loss_of_two_clips_is_the_mean_over_both_directions() -> None:
    clips, texts = torch.eye(2), torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    claims = torch.stack([hot(1), hot(2)])
    loss = contrast_loss(Memory(2), clips, claims, texts, claims)

    def share(own: float, other: float) -> float:
        return -math.log(1 / (1 + math.exp((other - own) / TEMPERATURE)))

    to_text = (share(1.0, 0.6) + share(0.8, 0.0)) / 2
    to_clip = (share(1.0, 0.0) + share(0.8, 0.6)) / 2
    assert loss.item() == pytest.approx((to_text + to_clip) / 2, rel=1e-4)


def test_a_text_that_is_as_true_is_no_negative() -> None:
    vectors, same = torch.eye(2), torch.stack([hot(1), hot(1)])
    assert contrast_loss(Memory(2), vectors, same, vectors, same).item() == 0.0


def test_one_head_reads_what_happens_off_clips_and_texts() -> None:
    head = torch.nn.Linear(2, len(COLUMN))
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    clips, texts = torch.eye(2), torch.eye(2).repeat(2, 1)
    loss = told_loss(head, clips, torch.stack([hot(1), hot()]), texts, torch.stack([hot(1)] * 4))
    unread = math.log(2) * len(COLUMN)
    one = math.log(2) * 9
    assert loss.item() == pytest.approx((2 * unread + one) + (4 * unread + 4 * one) / 2, rel=1e-5)


def test_what_was_seen_is_remembered_up_to_a_number() -> None:
    memory = Memory(2)
    for _ in range(3):
        rows = torch.zeros(100, len(COLUMN))
        memory.remember(torch.ones(100, 2), rows, torch.ones(100, 2), rows)
    assert len(memory.clip_QD) == len(memory.claims_QC) == REMEMBERED


def test_the_first_text_is_true_and_the_others_are_not() -> None:
    happens = happening(EVENTS)
    for seed in range(50):
        first, *others = tell(EVENTS, np.random.default_rng(seed))
        assert first.claims <= happens
        assert all(not other.claims <= happens for other in others)


def test_a_caption_tells_all_events_in_order() -> None:
    assert caption_of(EVENTS).index("door") < caption_of(EVENTS).index("ball")


def test_nothing_is_told_of_a_clip_in_which_nothing_happens() -> None:
    assert tell([], np.random.default_rng(0)) == []
