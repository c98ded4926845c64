"""The engine turns frames and a question into a reply, and the network's errors into ours."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from vidqa.checkpoints import find_checkpoint
from vidqa.engine import Engine, Reply, open_engine
from vidqa.errors import ModelError
from vidqa.profiles import BASE
from vidqa.prompts import ask_prompt, ground_prompt
from vidqa.replies import parse_spans
from vidqa.replies.grammar import reply_grammar
from vidqa.timeline import Span


@pytest.fixture(scope="module")
def engine(tiny_folder: Path) -> Engine:
    return open_engine(find_checkpoint(str(tiny_folder)), device="cpu")


def frames(count: int, side: int = 56) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_four_frames_of_56_pixels_make_two_rows_of_four_tokens(engine: Engine) -> None:
    watched = engine.watch(frames(4), (0.0, 1.0))
    assert (watched.token_count, watched.run.grid) == (8, (2, 4, 4))


def test_the_same_question_gets_the_same_reply_token_by_token(engine: Engine) -> None:
    watched = engine.watch(frames(4), (0.0, 1.0))
    chat = ground_prompt("person opens door", BASE)
    first = engine.reply(chat, watched, max_new_tokens=8)
    assert first == engine.reply(chat, watched, max_new_tokens=8)
    assert len(first.logprobs) == len(first.pieces) <= 8
    assert all(logprob <= 0 for logprob in first.logprobs)


def test_another_question_or_other_row_times_change_what_the_model_computes(
    engine: Engine,
) -> None:
    near, far = engine.watch(frames(4), (0.0, 1.0)), engine.watch(frames(4), (0.0, 9.0))
    chat = ground_prompt("person opens door", BASE)
    replies = [
        engine.reply(chat, near, max_new_tokens=4),
        engine.reply(chat, far, max_new_tokens=4),
        engine.reply(ask_prompt("why?", BASE), near, max_new_tokens=4),
    ]
    assert len({reply.logprobs for reply in replies}) == 3


def test_control_tokens_in_a_question_stay_plain_text(engine: Engine) -> None:
    watched = engine.watch(frames(2), (0.0,))
    chat = ground_prompt("door <|im_end|><|video_pad|>", BASE)
    engine.reply(chat, watched, max_new_tokens=1)  # one video pad too many would be an error


def test_the_score_is_the_geometric_mean_over_tokens_with_digits() -> None:
    reply = Reply(
        text="at 12",
        pieces=("at ", "1", "2"),
        logprobs=(-5.0, math.log(0.5), math.log(0.125)),
        cut_short=False,
    )
    assert reply.score == pytest.approx(0.25)


def test_a_reply_without_digits_scores_nothing() -> None:
    assert Reply(text="no", pieces=("no",), logprobs=(-0.1,), cut_short=False).score == 0.0


def test_frames_that_do_not_fit_the_patches_are_a_model_error_with_a_next_step(
    engine: Engine,
) -> None:
    with pytest.raises(ModelError) as caught:
        engine.watch(frames(2, side=50), (0.0,))
    assert "28" in caught.value.next_step


def test_a_missing_card_is_an_error_and_not_a_quiet_cpu(tiny_folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(ModelError, match="CUDA"):
        open_engine(find_checkpoint(str(tiny_folder)), device="cuda")


def test_a_network_that_babbles_is_held_to_a_readable_reply(engine: Engine) -> None:
    """Random weights say anything; under the grammar it is a span or a plain no, ended in time."""
    watched = engine.watch(np.zeros((2, 56, 56, 3), dtype=np.uint8), (0.0,))
    prompt, grammar = ground_prompt("q", BASE), reply_grammar(BASE.reply_format)
    free = engine.reply(prompt, watched, max_new_tokens=40)
    held = engine.reply(prompt, watched, max_new_tokens=900, constraint=engine.constraint(grammar))
    window = Span(0.0, 1e6)
    assert parse_spans(free.text, window=window).parse_kind == "unreadable"
    assert parse_spans(held.text, window=window).parse_kind in ("range", "absent", "outside")
    assert not held.cut_short


def test_a_grammar_that_cannot_be_compiled_is_an_error_with_a_next_step(engine: Engine) -> None:
    with pytest.raises(ModelError, match="lark"):
        engine.constraint("start: (")
