"""Long work ends where an end was asked for, and goes on afterwards as if nothing had been."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vidqa import interrupts
from vidqa.chat import Chat, Text, Turn, Video
from vidqa.checkpoints import find_checkpoint
from vidqa.engine import Engine, open_engine
from vidqa.interrupts import Interrupted
from vidqa.video import file_sha256, open_reader


@pytest.fixture(autouse=True)
def _leave_no_end_behind() -> Iterator[None]:
    yield
    interrupts.withdraw()


@pytest.fixture(scope="module")
def engine(tiny_folder: Path) -> Engine:
    opened = open_engine(find_checkpoint(str(tiny_folder)), device="cpu")
    opened.before_each_layer(interrupts.check)
    return opened


def test_a_check_counts_until_an_end_is_asked_for() -> None:
    before = interrupts.checks()
    interrupts.check()
    assert interrupts.checks() == before + 1
    interrupts.ask()
    with pytest.raises(Interrupted):
        interrupts.check()
    interrupts.withdraw()
    interrupts.check()


def test_nothing_on_the_way_takes_an_end_for_an_error() -> None:
    assert not issubclass(Interrupted, Exception)


@pytest.mark.parametrize(
    ("kind", "threads"),
    [
        ("pyav", 1),
        ("pyav", 2),
        pytest.param(
            "isolated",
            1,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="confines on Linux"),
        ),
    ],
)
def test_decoding_ends_and_can_be_repeated(clip: Path, kind: str, threads: int) -> None:
    reader = open_reader(clip, reader=kind, threads=threads)
    before = reader.read_frames([0.5, 6.0], (28, 28))
    interrupts.ask()
    with pytest.raises(Interrupted):
        reader.read_frames([0.5, 6.0], (28, 28))
    interrupts.withdraw()
    after = reader.read_frames([0.5, 6.0], (28, 28))
    assert np.array_equal(after.rgb_THWC, before.rgb_THWC)


def test_reckoning_a_digest_ends(clip: Path) -> None:
    interrupts.ask()
    with pytest.raises(Interrupted):
        file_sha256(clip)


def test_the_tower_and_the_decoder_end_and_give_the_same_afterwards(engine: Engine) -> None:
    rgb_THWC = np.zeros((4, 28, 28, 3), dtype=np.uint8)
    chat = Chat((Turn("user", (Video(), Text("What happens?"))),))
    watched = engine.watch(rgb_THWC, (0.0, 1.0))
    before = engine.reply(chat, watched, max_new_tokens=4)
    interrupts.ask()
    with pytest.raises(Interrupted):
        engine.watch(rgb_THWC, (0.0, 1.0))
    with pytest.raises(Interrupted):
        engine.reply(chat, watched, max_new_tokens=4)
    interrupts.withdraw()
    assert engine.reply(chat, watched, max_new_tokens=4).text == before.text


def test_a_reply_ends_in_the_midst_of_its_words(engine: Engine) -> None:
    watched = engine.watch(np.zeros((2, 28, 28, 3), dtype=np.uint8), (0.0,))
    chat = Chat((Turn("user", (Video(), Text("What happens?"))),))
    heard: list[str] = []

    def hear(piece: str) -> None:
        heard.append(piece)
        interrupts.ask()

    with pytest.raises(Interrupted):
        engine.reply(chat, watched, max_new_tokens=50, on_text=hear)
    assert len(heard) == 1
