"""Clips without their colours."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidqa_nano.casting import NAMED
from vidqa_nano.clips import Clips
from vidqa_nano.grey import LEAST_TINT, greyed, names_a_colour
from vidqa_nano.labels import ACTING, CLASSES, EVENTS, OF_A_COLOUR, row_labels
from vidqa_nano.losses import Helpers, seen_loss
from vidqa_nano.phrases import BY_NAME
from vidqa_nano.queries import COLUMN, Seen
from vidqa_nano.recipe import Recipe
from vidqa_nano.trainer import Run
from vidqa_nano.windows import PRESENT, STATES, Sample, cut_sample, whole_window

rng_of = np.random.default_rng


def sample(kind: str = "person_jumps", colour: str = "red", rows: int = 4) -> Sample:
    """Someone who does something in rows 1 and 2, in frames of one colour beside white."""
    frames = np.full((2 * rows, 56, 56, 3), 236, np.uint8)
    frames[:, :, :28] = NAMED[colour]
    seen = Seen(BY_NAME[kind], colour, 1.0, 3.0)
    states = np.zeros((rows, len(STATES) + len(PRESENT)), np.float32)
    return Sample(frames, [k / 2 for k in range(2 * rows)], [seen], states, [])


@pytest.mark.parametrize("seed", range(8))
def test_every_dot_is_a_shade_of_one_tint(seed: int) -> None:
    grey = greyed(sample(), rng_of(seed), 0).frames_THWC
    assert (grey.dtype, grey.shape) == (np.uint8, sample().frames_THWC.shape)
    tints = grey[0, 0, [0, -1]] / grey[0, 0, [0, -1]].max(1, keepdims=True)
    assert np.abs(tints[0] - tints[1]).max() < 0.25, "what is left of a colour is faint"
    assert tints.min() > LEAST_TINT - 0.25


def test_shades_may_turn_which_of_two_colours_is_the_lighter() -> None:
    cut = sample()
    cut.frames_THWC[:, :, 28:] = NAMED["blue"]
    lighter = set()
    for seed in range(40):
        frames = greyed(cut, rng_of(seed), 0).frames_THWC.astype(float).sum(-1)
        lighter.add(bool(frames[0, 0, 0] > frames[0, 0, -1]))
    assert lighter == {True, False}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("person in red jumps", True),
        ("What colour is the ball?", True),
        ("White", True),
        ("person opens door", False),
        ("the reddest of herrings", False),
    ],
)
def test_a_colour_is_known_by_its_word(text: str, named: bool) -> None:
    assert names_a_colour("ball bounces", text) is named


def test_nothing_is_asked_that_a_colour_decides(clips: Clips) -> None:
    rng = rng_of(1)
    cut = cut_sample(clips, 0, whole_window(clips.stories[0]), rng, 60, embed=True)
    other = greyed(cut, rng, 8)
    assert len(other.questions) == 8
    assert other.texts == []
    assert all(question in cut.questions for question in other.questions)
    assert not any(names_a_colour(q.text, q.reply) for q in other.questions)
    assert any(names_a_colour(q.text, q.reply) for q in cut.questions)


def test_who_does_something_is_told_whatever_it_is() -> None:
    seen = row_labels([sample()]).seen_BRC[0]
    red = CLASSES - len(ACTING) + ACTING.index(("person", "red"))
    assert seen[:, red].tolist() == [0, 1, 1, 0]
    assert seen[:, CLASSES - len(ACTING) :].sum() == 2
    assert seen[:, COLUMN["person_jumps", None]].tolist() == [0, 1, 1, 0]


def test_a_grey_row_tells_of_actions_and_states_but_of_no_colour() -> None:
    told = row_labels([greyed(sample(), rng_of(0), 0), sample(rows=3)]).told_BRC
    assert bool(told[1].all())
    assert torch.equal(told[0, 0], ~OF_A_COLOUR)
    assert bool(told[0, 0, COLUMN["person_jumps", None]])
    assert not bool(told[0, 0, COLUMN["person_jumps", "red"]])
    assert bool(told[0, 0, EVENTS : EVENTS + len(STATES)].all())
    assert OF_A_COLOUR.shape == (CLASSES,)


def test_no_row_tells_that_a_kept_pair_is_absent() -> None:
    cut = sample()
    cut.states_RC[2:, len(STATES) + PRESENT.index(("person", "blue"))] = 1.0
    jumps = COLUMN["person_jumps", None]
    told = row_labels([cut]).told_BRC[0]
    assert told[:, jumps].tolist() == [True, True, True, False], "row 2 shows it, row 3 does not"
    assert int((~told).sum()) == 1
    assert bool(row_labels([greyed(cut, rng_of(0), 0)]).told_BRC[0, 3, jumps])


def test_what_is_not_told_counts_nothing() -> None:
    helpers = Helpers(8)
    labels = row_labels([greyed(sample(), rng_of(0), 0)])
    tokens = torch.randn(4 * 4, 8)
    before = seen_loss(helpers, tokens, labels).sum
    labels.seen_BRC[..., OF_A_COLOUR] = 1.0
    assert torch.equal(seen_loss(helpers, tokens, labels).sum, before)


@pytest.mark.parametrize(("share", "kinds"), [(0.0, {False}), (1.0, {True}), (0.5, {False, True})])
def test_a_share_of_the_clips_is_greyed(clips: Clips, share: float, kinds: set[bool]) -> None:
    for stage in (1, 2):
        run = Run(Recipe(vision_share=0.5, grey=share), clips)
        batch = run.pools.batch(0, run.course()._replace(stage=stage))
        assert {cut.grey for cut in batch} == kinds
        assert all(not (cut.grey and cut.texts) for cut in batch)
