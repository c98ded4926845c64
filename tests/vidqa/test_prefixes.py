"""Keys and values kept between questions change the time a reply takes and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

import qwen25vl
from qwen25vl import KVCache, load_config
from vidqa.chat import Chat, Text, Turn
from vidqa.checkpoints import find_checkpoint
from vidqa.engine import Engine, Sampling, Watched, open_engine
from vidqa.prefixes import ROOM, PrefixMemory
from vidqa.profiles import BASE, ContentOrder
from vidqa.prompts import ask_prompt, ground_prompt, verify_prompt

CPU = torch.device("cpu")


def open_with(folder: Path, budget_bytes: int, order: ContentOrder = "video_first") -> Engine:
    checkpoint = find_checkpoint(str(folder))
    checkpoint = replace(checkpoint, profile=replace(checkpoint.profile, order=order))
    return open_engine(checkpoint, device="cpu", prefixes=PrefixMemory(budget_bytes))


@pytest.fixture(scope="module")
def forgetful(tiny_folder: Path) -> Engine:
    return open_with(tiny_folder, 0)


@pytest.fixture
def mindful(tiny_folder: Path) -> Engine:
    return open_with(tiny_folder, 1 << 30)


def seen(engine: Engine, seed: int = 0, rows: int = 3) -> Watched:
    frames = np.random.default_rng(seed).integers(0, 256, (2 * rows, 56, 56, 3), dtype=np.uint8)
    return engine.watch(frames, tuple(float(k) for k in range(rows)))


def test_words_and_log_probabilities_are_the_same_to_the_bit_with_and_without(
    forgetful: Engine, mindful: Engine
) -> None:
    chats = [
        ground_prompt("a dog", BASE),
        ask_prompt("why so?", BASE),
        ground_prompt("a dog", BASE),
    ]
    states = []
    for chat in chats:
        without = forgetful.reply(chat, seen(forgetful), max_new_tokens=8)
        kept = mindful.reply(chat, seen(mindful), max_new_tokens=8)
        assert (kept.text, kept.logprobs) == (without.text, without.logprobs)
        assert without.prefix == "off"
        states.append(kept.prefix)
    assert states == ["miss", "hit", "hit"]


def test_a_question_behind_a_kept_video_prefills_only_its_own_tokens(mindful: Engine) -> None:
    watched = seen(mindful)
    mindful.reply(ask_prompt("first?", BASE), watched, max_new_tokens=2)
    prompt = mindful._prompting.rendered(ask_prompt("and now?", BASE), watched)
    with mock.patch("qwen25vl.generate.prefill", side_effect=qwen25vl.prefill) as spied:
        mindful.reply(ask_prompt("and now?", BASE), watched, max_new_tokens=2)
    assert [call.args[1].shape[1] for call in spied.call_args_list] == [
        len(prompt.ids) - prompt.shared
    ]
    assert prompt.ids[prompt.shared - 1] == load_config_pad(mindful)


def test_a_forced_choice_and_a_batch_use_and_leave_the_same_prefix(
    forgetful: Engine, mindful: Engine
) -> None:
    chats = [ask_prompt(q, BASE) for q in ("who?", "why is it so?", "when?")]
    verify = verify_prompt("a dog", BASE)
    bare, watched = seen(forgetful), seen(mindful)
    expected = forgetful.choose(verify, bare, ("A", "AB"))
    assert mindful.choose(verify, watched, ("A", "AB")) == expected
    together = mindful.replies(chats, watched, max_new_tokens=6)
    assert [reply.prefix for reply in together] == ["hit", "hit", "hit"]
    apart = forgetful.replies(chats, bare, max_new_tokens=6)
    assert [(r.text, r.logprobs) for r in together] == [(r.text, r.logprobs) for r in apart]
    assert [reply.prefix for reply in apart] == ["off", "off", "off"]
    assert mindful.choose(verify, watched, ("A", "AB")) == expected


def test_the_first_of_a_batch_pays_for_what_the_others_share(mindful: Engine) -> None:
    chats = [ask_prompt(q, BASE) for q in ("who?", "why?")]
    told = mindful.replies(chats, seen(mindful), max_new_tokens=4)
    assert [reply.prefix for reply in told] == ["miss", "hit"]


@pytest.mark.parametrize("what", ["frames", "times", "system", "one bit"])
def test_another_video_another_time_or_other_words_before_it_share_nothing(
    forgetful: Engine, mindful: Engine, what: str
) -> None:
    chat, watched = ask_prompt("why?", BASE), seen(mindful)
    mindful.reply(chat, watched, max_new_tokens=4)
    if what == "frames":
        watched = seen(mindful, seed=1)
    elif what == "times":
        run = watched.run._replace(row_seconds=(0.0, 1.0, 9.0))
        watched = replace(watched, run=run)
    elif what == "system":
        chat = ask_prompt("why?", BASE, system="Be brief.")
    else:
        tokens_MD = watched.tokens_MD.clone()
        tokens_MD.view(torch.int32)[3, 5] ^= 1
        watched = replace(watched, tokens_MD=tokens_MD)
    kept = mindful.reply(chat, watched, max_new_tokens=4)
    assert kept.prefix == "miss"
    assert kept.logprobs == forgetful.reply(chat, watched, max_new_tokens=4).logprobs


def test_where_the_text_comes_first_only_the_same_question_shares(tiny_folder: Path) -> None:
    engine = open_with(tiny_folder, 1 << 30, "text_first")
    bare = open_with(tiny_folder, 0, "text_first")
    states = []
    for question in ("who?", "why?", "who?"):
        chat = ask_prompt(question, engine.profile)
        kept = engine.reply(chat, seen(engine), max_new_tokens=4)
        assert kept.logprobs == bare.reply(chat, seen(bare), max_new_tokens=4).logprobs
        states.append(kept.prefix)
    assert states == ["miss", "miss", "hit"]


def test_text_alone_keeps_nothing(mindful: Engine) -> None:
    chat = Chat((Turn("user", (Text("q"),)),))
    assert mindful.reply(chat, max_new_tokens=2).prefix == "off"
    assert mindful.prefixes.bytes_held == 0


def test_a_draw_a_stop_and_a_reply_that_is_broken_off_leave_the_prefix_as_it_was(
    forgetful: Engine, mindful: Engine
) -> None:
    watched = seen(mindful)
    drawn = Sampling(temperature=2.0, seed=1)
    mindful.reply(ask_prompt("x", BASE), watched, max_new_tokens=9, sampling=drawn, stop=["e"])

    def leave(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mindful.reply(ask_prompt("y", BASE), watched, max_new_tokens=9, on_text=leave)
    kept = mindful.reply(ask_prompt("z", BASE), watched, max_new_tokens=9)
    without = forgetful.reply(ask_prompt("z", BASE), seen(forgetful), max_new_tokens=9)
    assert (kept.prefix, kept.logprobs) == ("hit", without.logprobs)


def test_a_question_asked_within_a_reply_computes_its_own_prefix(
    forgetful: Engine, mindful: Engine
) -> None:
    watched, inner = seen(mindful), []

    def ask_again(_: str) -> None:
        if not inner:
            inner.append(mindful.reply(ask_prompt("inner", BASE), watched, max_new_tokens=6))

    outer = mindful.reply(ask_prompt("outer", BASE), watched, max_new_tokens=6, on_text=ask_again)
    for reply, words in ((outer, "outer"), (inner[0], "inner")):
        alone = forgetful.reply(ask_prompt(words, BASE), seen(forgetful), max_new_tokens=6)
        assert reply.logprobs == alone.logprobs
        assert reply.prefix == "miss"


def cache_of(tiny_folder: Path, tokens: int, capacity: int) -> KVCache:
    cache = KVCache(load_config(tiny_folder).text, capacity)
    cache.length = tokens
    cache.keys.copy_(torch.arange(cache.keys.numel()).view(cache.keys.shape))
    cache.values.copy_(-cache.keys)
    return cache


def test_the_prefix_used_longest_ago_goes_when_the_budget_is_passed(tiny_folder: Path) -> None:
    size = cache_of(tiny_folder, 1, 8).bytes_held
    memory = PrefixMemory(2 * size)
    for key in (b"a", b"b"):
        memory.keep(key, cache_of(tiny_folder, 1, 8))
    used = memory.take(b"a")
    assert used is not None
    memory.keep(b"a", used)
    memory.keep(b"c", cache_of(tiny_folder, 1, 8))
    assert memory.bytes_held == 2 * size
    assert [memory.take(key) is not None for key in (b"a", b"b", b"c")] == [True, False, True]


def test_a_prefix_above_the_whole_budget_is_used_and_not_kept(tiny_folder: Path) -> None:
    engine = open_with(tiny_folder, 1000)
    watched = seen(engine)
    replies = [engine.reply(ask_prompt(q, BASE), watched, max_new_tokens=2) for q in ("a", "b")]
    assert [reply.prefix for reply in replies] == ["miss", "miss"]
    assert engine.prefixes.bytes_held == 0


def test_room_is_made_before_a_new_prefix_is_set_aside(tiny_folder: Path) -> None:
    memory = PrefixMemory(cache_of(tiny_folder, 1, ROOM).bytes_held)
    held = []

    def make(capacity: int) -> KVCache:
        held.append(memory.bytes_held)
        return cache_of(tiny_folder, 1, capacity)

    token_bytes = memory.budget_bytes // ROOM
    for key in (b"a", b"b"):
        with memory.lend(
            lambda key=key: key, capacity=9, make=make, token_bytes=token_bytes, device=CPU
        ):
            pass
    assert held == [0, 0]


def test_a_longer_question_gets_more_room_and_the_same_keys_and_values(tiny_folder: Path) -> None:
    cache = cache_of(tiny_folder, 5, 8)
    memory = PrefixMemory(1 << 30)
    memory.keep(b"a", cache)
    with memory.lend(
        lambda: b"a", capacity=100, make=lambda _: cache, token_bytes=1, device=CPU
    ) as (lent, state):
        assert (state, lent.capacity, lent.length) == ("hit", ROOM, 5)
        assert torch.equal(lent.keys[:, :, :, :5], cache.keys[:, :, :, :5])
        assert torch.equal(lent.values[:, :, :, :5], cache.values[:, :, :, :5])
        assert memory.take(b"a") is None  # it is out


def test_what_lies_in_the_hosts_memory_is_lent_as_a_copy_on_the_device_and_stays(
    tiny_folder: Path,
) -> None:
    """The meta device stands in for a card."""
    cache, card = cache_of(tiny_folder, 5, 8), torch.device("meta")
    memory = PrefixMemory(1 << 30, on_host=True)
    memory.keep(b"a", cache)
    with memory.lend(
        lambda: b"a", capacity=8, make=lambda _: cache, token_bytes=1, device=card
    ) as (lent, state):
        assert (state, lent.keys.device, lent.length) == ("hit", card, 5)
    assert memory.take(b"a") is cache


def test_a_cache_does_not_move_into_less_room_than_it_fills(tiny_folder: Path) -> None:
    with pytest.raises(qwen25vl.PromptError, match="5 cached tokens do not fit"):
        cache_of(tiny_folder, 5, 8).moved(capacity=4, device=CPU)


def load_config_pad(engine: Engine) -> int:
    return engine._model.config.video_token_id
