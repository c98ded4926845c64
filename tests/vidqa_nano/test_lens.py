"""The camera pans, drifts in light, adds noise and a number, the same every time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.lens import light, pan
from vidqa_nano.render import draw_frames
from vidqa_nano.sets import MARGIN
from vidqa_nano.story import lens_for, story_of
from vidqa_nano.world import Lens, Shot, Story, rng_for

SHOT = story_of("train", 1, "short").shots[0]


def seen(lens: Lens, *seconds: float) -> NDArray[np.int_]:
    empty = replace(SHOT.scene, actors=())
    return draw_frames(Story((Shot(0.0, empty),), 60.0, lens), seconds, 56).astype(int)


def test_the_default_lens_adds_nothing() -> None:
    early, late = seen(Lens(), 0.0, 17.0)
    assert np.array_equal(early, late)


def test_a_pan_moves_the_set_slowly_and_never_past_its_margin() -> None:
    lens = Lens(pan=0.06, pan_period_s=30)
    at = [pan(lens, t_s) for t_s in np.arange(0, 60, 0.5)]
    assert max(np.abs(at)) <= 0.06 <= MARGIN
    assert max(np.abs(np.diff(at))) < 0.5 * 0.02


def test_a_panned_frame_is_the_frame_moved_to_the_side() -> None:
    still, moved = (
        draw_frames(Story((SHOT,), 60.0, lens), [0.0], 224, oversample=1)[0].astype(int)
        for lens in (Lens(), Lens(pan=0.0625, seed=250))
    )
    differs = np.abs(still[:, :-14] - moved[:, 14:]).max(axis=-1) > 8
    assert differs.mean() < 0.01
    assert (np.abs(still - moved).max(axis=-1) > 8).mean() > 0.05


def test_the_light_drifts_within_its_share() -> None:
    lens = Lens(light=0.1, light_period_s=20)
    assert 0.9 <= light(lens, 3.0) <= 1.1
    early, late = seen(lens, 5.0, 15.0)
    assert early.mean() - late.mean() > 10


def test_noise_is_as_strong_as_said_new_on_every_frame_and_the_same_every_time() -> None:
    clean, noisy, other = (
        seen(Lens(), 1.0)[0],
        seen(Lens(noise=4.0, seed=5), 1.0)[0],
        seen(Lens(noise=4.0, seed=5), 1.5)[0],
    )
    assert 3.5 < (noisy - clean).std() < 4.5
    assert not np.array_equal(noisy, other)
    assert np.array_equal(noisy, seen(Lens(noise=4.0, seed=5), 1.0)[0])


def test_the_number_in_the_corner_changes_now_and_then() -> None:
    lens = Lens(counter=True, seed=7)
    frames = seen(lens, *np.arange(0, 12, 0.5))
    changes = [bool(np.abs(a - b).max()) for a, b in pairwise(frames)]
    assert sum(changes) == 3


def test_some_lenses_do_each_thing_and_some_do_nothing() -> None:
    lenses = [lens_for(rng_for("train", i)) for i in range(200)]
    for prop in ("pan", "light", "noise", "counter"):
        assert 20 < sum(bool(getattr(lens, prop)) for lens in lenses) < 140
    assert any(not (x.pan or x.light or x.noise or x.counter) for x in lenses)
