"""The engine turns frames and a question into a reply, and the network's errors into ours."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

import qwen25vl
from qwen25vl import Sampling
from vidqa.chat import Chat, Image, Item, Text, Turn, Video
from vidqa.checkpoints import find_checkpoint
from vidqa.engine import Engine, Reply, open_engine
from vidqa.errors import ModelError
from vidqa.profiles import BASE, TIMELENS, ContentOrder
from vidqa.prompts import ask_prompt, ground_prompt, verify_prompt
from vidqa.replies import parse_spans
from vidqa.replies.grammar import reply_grammar
from vidqa.running import model_errors
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


def said(*items: Item) -> Chat:
    return Chat((Turn("user", items),))


def test_frames_are_encoded_in_chunks_and_come_out_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine.watch(frames(10), (0.0, 1.0, 2.0, 3.0, 4.0))
    monkeypatch.setattr("vidqa.watching.CHUNK_PATCHES", 33)  # two rows of 16 patches
    parts = engine.watch(frames(10), (0.0, 1.0, 2.0, 3.0, 4.0))
    assert parts.run == whole.run == ((5, 4, 4), (0.0, 1.0, 2.0, 3.0, 4.0))
    torch.testing.assert_close(parts.tokens_MD, whole.tokens_MD, atol=1e-6, rtol=0)


def test_a_picture_is_one_row_at_time_0_of_itself_twice(engine: Engine) -> None:
    picture = frames(1)[0]
    image = engine.watch_image(picture)
    assert (image.kind, image.run) == ("image", ((1, 4, 4), (0.0,)))
    twice = engine.watch(np.stack([picture, picture]), (0.0,))
    torch.testing.assert_close(image.tokens_MD, twice.tokens_MD, atol=0, rtol=0)


def test_a_model_that_reads_times_sees_the_first_frame_of_every_row_and_answers(
    tiny_folder: Path,
) -> None:
    checkpoint = find_checkpoint(str(tiny_folder))
    reader = open_engine(replace(checkpoint, profile=TIMELENS), device="cpu")
    seen = reader.watch(frames(4), (0.0, 1.0))
    firsts = [reader.watch_image(frames(4)[k]).tokens_MD for k in (0, 2)]
    torch.testing.assert_close(seen.tokens_MD, torch.cat(firsts), atol=1e-6, rtol=0)
    later = reader.watch(frames(4), (0.0, 1.5))
    chat = ground_prompt("q", TIMELENS)
    replies = [reader.reply(chat, each, max_new_tokens=4) for each in (seen, later)]
    assert replies[0].logprobs != replies[1].logprobs


def test_two_videos_an_image_and_text_alone_are_answered_and_order_matters(engine: Engine) -> None:
    one, two = engine.watch(frames(4), (0.0, 1.0)), engine.watch(frames(2) // 2, (0.0,))
    image = engine.watch_image(frames(1)[0])
    chat = said(Video(), Image(), Video(), Text("same?"))
    prompts = [(one, image, two), (two, image, one)]
    several = [engine.reply(chat, each, max_new_tokens=4).logprobs for each in prompts]
    alone = engine.reply(said(Text("same?")), max_new_tokens=4).logprobs
    assert len({*several, alone}) == 3


def test_a_reply_sees_the_turns_before_it(engine: Engine) -> None:
    question = Turn("user", (Text("and now?"),))
    earlier = [Turn("assistant", (Text(word),)) for word in ("Red.", "Blue.")]
    chats = [Chat((Turn("user", (Text("q"),)), turn, question)) for turn in earlier]
    red, blue = (engine.reply(chat, max_new_tokens=4) for chat in chats)
    assert red.logprobs != blue.logprobs


def test_a_seed_repeats_a_draw_and_another_seed_draws_anew(engine: Engine) -> None:
    def draw(seed: int) -> Reply:
        drawn = Sampling(temperature=2.0, seed=seed)
        return engine.reply(said(Text("q")), max_new_tokens=12, sampling=drawn)

    assert draw(1) == draw(1)
    assert draw(1).pieces != draw(2).pieces


def test_words_come_as_they_are_said_and_a_stop_string_ends_them(engine: Engine) -> None:
    heard: list[str] = []
    whole = engine.reply(said(Text("q")), max_new_tokens=12, on_text=heard.append)
    assert "".join(heard) == whole.text
    assert len(heard) >= len(whole.pieces) == 12
    stop = whole.text[3:5]
    cut = engine.reply(said(Text("q")), max_new_tokens=12, stop=[stop])
    assert (cut.text, cut.cut_short) == (whole.text[: whole.text.index(stop)], False)
    assert cut.pieces == whole.pieces[: len(cut.pieces)]


def test_the_chance_of_an_answer_does_not_depend_on_where_it_is_listed(engine: Engine) -> None:
    watched = engine.watch(frames(4), (0.0, 1.0))
    chat = verify_prompt("person opens door", BASE)
    yes, no = engine.choose(chat, watched, BASE.verify_choices).probabilities
    assert engine.choose(chat, watched, ("B", "A")).probabilities == pytest.approx((no, yes))
    assert yes + no == pytest.approx(1.0)
    longer = engine.choose(chat, watched, ("A", "AB")).probabilities
    assert longer[0] > longer[1] > 0  # of one beginning, but each is a reply of its own


@pytest.mark.parametrize("answers", [(), ("A", "")])
def test_an_empty_answer_cannot_be_chosen(engine: Engine, answers: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="choices"):
        engine.choose(said(Text("q")), (), answers)


@pytest.mark.parametrize(("order", "batches"), [("video_first", 1), ("text_first", 0)])
def test_many_questions_get_the_replies_each_gets_alone(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    order: ContentOrder,
    batches: int,
) -> None:
    watched = engine.watch(frames(4), (0.0, 1.0))
    profile = replace(BASE, order=order)
    chats = [ask_prompt(question, profile) for question in ("who?", "why is it so?", "when?")]
    alone = [engine.reply(chat, watched, max_new_tokens=6) for chat in chats]
    behind = mock.Mock(side_effect=qwen25vl.generate_behind)
    monkeypatch.setattr("vidqa.speaking.generate_behind", behind)
    together = engine.replies(chats, watched, max_new_tokens=6)
    assert behind.call_count == batches
    assert [reply.text for reply in together] == [reply.text for reply in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)


def test_hidden_states_are_those_of_every_prompt_token_and_know_nothing_of_later_ones(
    engine: Engine,
) -> None:
    watched = engine.watch(frames(4), (0.0, 1.0))
    one, two = (engine.hidden(ask_prompt(q, BASE), watched, layer=1) for q in ("who?", "who!"))
    assert one.shape == two.shape == (one.shape[0], 32)
    differs_S = (one != two).any(dim=1)
    assert differs_S.any()
    behind = int(differs_S.nonzero()[0])
    assert differs_S[behind]
    torch.testing.assert_close(one[:behind], two[:behind])
    with pytest.raises(ModelError, match="no layer 9"):
        engine.hidden(said(Text("q")), (), layer=9)


def test_a_card_that_is_full_is_told_with_what_to_do() -> None:
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")
    with pytest.raises(ModelError, match=r"CUDA out of memory$") as caught, model_errors():
        raise full
    assert (caught.value.code, "--budget-tokens" in caught.value.next_step) == (
        "out_of_memory",
        True,
    )
