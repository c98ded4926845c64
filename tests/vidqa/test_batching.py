"""Many windows at once: each gets what it would get alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qwen25vl.embedding import whole_of
from vidqa.checkpoints import find_checkpoint
from vidqa.engine import Engine, open_engine
from vidqa.errors import ModelError
from vidqa.inputs import Watched
from vidqa.profiles import BASE, NANO
from vidqa.prompts import embed_text_prompt, embed_video_prompt, verify_prompt


@pytest.fixture(scope="module")
def engine(tiny_folder: Path) -> Engine:
    return open_engine(find_checkpoint(str(tiny_folder)), device="cpu")


@pytest.fixture(scope="module")
def watched(engine: Engine) -> Watched:
    rgb = np.random.default_rng(0).integers(0, 256, (12, 56, 56, 3), dtype=np.uint8)
    return engine.watch(rgb, tuple(float(k) for k in range(6)))


def test_rows_of_a_longer_look_are_what_a_look_at_them_alone_gives(
    engine: Engine, watched: Watched
) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (12, 56, 56, 3), dtype=np.uint8)
    alone = engine.watch(rgb[4:8], (0.0, 1.0))
    part = watched.rows(2, 4)
    assert part.run == alone.run
    assert (part.tokens_MD - alone.tokens_MD).abs().max() < 1e-5


def test_stretches_join_to_one_timeline(watched: Watched) -> None:
    whole = Watched.joined([(0.0, watched.rows(0, 2)), (2.0, watched.rows(2, 6))])
    assert whole.run == watched.run
    assert (whole.tokens_MD == watched.tokens_MD).all()


def test_choices_about_many_windows_are_those_about_each(engine: Engine, watched: Watched) -> None:
    windows = [watched.rows(0, 2), watched.rows(0, 3), watched.rows(3, 5)]
    chat = verify_prompt("q", engine.profile)
    odds = engine.choose_each(chat, windows, ("A", "B"))
    assert odds.sum(axis=1) == pytest.approx(np.ones(3))
    for window, row in zip(windows, odds, strict=True):
        alone = engine.choose_each(chat, [window], ("A", "B"))[0]
        assert row == pytest.approx(alone, abs=1e-5)
        assert row == pytest.approx(engine.choose(chat, window, ("A", "B")).probabilities, abs=0.05)


def test_answers_that_begin_alike_cannot_be_told_apart(engine: Engine, watched: Watched) -> None:
    with pytest.raises(ModelError, match="first tokens"):
        engine.choose_each(verify_prompt("q", engine.profile), [watched], ("no", "none"))


@pytest.mark.parametrize("profile", [BASE, NANO])
def test_a_vector_is_the_last_tokens_state_of_length_one(
    engine: Engine, watched: Watched, profile: object
) -> None:
    engine.profile = profile  # type: ignore[assignment]
    chat = embed_video_prompt(engine.profile)
    windows = [watched.rows(0, 2), watched.rows(2, 4), watched]
    vectors = engine.embed(chat, windows)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert vectors[1] == pytest.approx(engine.embed(chat, windows[1:2])[0], abs=1e-5)
    text = engine.embed_texts([embed_text_prompt("door opens", engine.profile)])
    assert text.shape == (1, vectors.shape[1])


def test_the_state_before_the_last_mlp_is_what_attention_adds_to_the_layer_below(
    engine: Engine, watched: Watched
) -> None:
    model = engine._model
    embeds, positions_31S = engine._prompting.whole(embed_video_prompt(engine.profile), watched)
    prompt = (whole_of(embeds), positions_31S)
    below = model.text.hidden(*prompt, layer=len(model.text.layers) - 1)
    above = model.text.hidden(*prompt, layer=len(model.text.layers))
    state = model.text.last_state(*prompt, before_mlp=True)
    last = model.text.layers[-1]
    rest = last.mlp(last.post_attention_layernorm(state))  # type: ignore[operator, union-attr]
    assert (state + rest - above[:, -1]).abs().max() < 1e-4
    assert (state - below[:, -1]).abs().max() > 0
