"""The product asks nano for vectors, choices and lists in the way that it was trained on them."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer

from qwen25vl import load_model
from vidqa.checkpoints import find_checkpoint
from vidqa.engine import open_engine
from vidqa.profiles import NANO
from vidqa.prompts import embed_text_prompt, embed_video_prompt, verify_prompt
from vidqa_nano import weights_folder
from vidqa_nano.answering import Asker
from vidqa_nano.wording import DESCRIBE, EMBED_TEXT, EMBED_VIDEO, VERIFY

FRAMES = np.random.default_rng(0).integers(0, 256, (16, 56, 56, 3), dtype=np.uint8)
SECONDS = tuple(float(k) for k in range(8))
TEXTS = ("person opens door", "red ball bounces, then dog runs left")


def test_the_profile_has_the_words_of_the_training() -> None:
    assert (NANO.embed_video, NANO.embed_text) == (EMBED_VIDEO, EMBED_TEXT)
    assert NANO.describe == DESCRIBE


@pytest.fixture(scope="module")
def asker() -> Asker:
    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    return Asker(load_model(weights_folder()).eval(), tokenizer)


def test_vectors_of_clips_and_texts_are_those_of_the_training(asker: Asker) -> None:
    engine = open_engine(find_checkpoint("nano"), device="cpu")
    seen = asker.watch(FRAMES, SECONDS)
    (clip,) = engine.embed(embed_video_prompt(NANO), [engine.watch(FRAMES, SECONDS)])
    assert clip == pytest.approx(asker.clip_vector(seen).numpy(), abs=1e-4)
    texts = engine.embed_texts([embed_text_prompt(text, NANO) for text in TEXTS])
    assert texts == pytest.approx(asker.text_vectors(TEXTS).numpy(), abs=1e-4)


def test_the_chance_of_a_yes_is_that_of_the_training(asker: Asker) -> None:
    engine = open_engine(find_checkpoint("nano"), device="cpu")
    seen = asker.watch(FRAMES, SECONDS)
    text = VERIFY.format(query="person opens door")
    chances = engine.choose_each(
        verify_prompt("person opens door", NANO),
        [engine.watch(FRAMES, SECONDS)],
        NANO.verify_choices,
    )
    assert chances[0, 0] == pytest.approx(asker.chance(seen, text, "A", "B"), abs=1e-4)
