"""What the network is told about when rows are, under each rule."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qwen25vl import Grid, ModelConfig, Tokenizer, VisionRun, position_ids
from vidqa.chat import Chat, Text, Turn, Video
from vidqa.inputs import Watched, render
from vidqa.profiles import NANO
from vidqa_nano.answering import Asker
from vidqa_nano.clips import Clips
from vidqa_nano.config import nano_config
from vidqa_nano.losses import Weights, all_losses
from vidqa_nano.make_tokenizer import make_tokenizer
from vidqa_nano.packing import Packer
from vidqa_nano.recipe import HELPING, Recipe
from vidqa_nano.timing import RULES, TimeRule
from vidqa_nano.trainer import Run
from vidqa_nano.windows import Window, cut_sample

TOKENIZER = make_tokenizer()
CONFIG = ModelConfig.from_json(nano_config(TOKENIZER))
ROWS = (0.0, 1.5625, 3.125)
"""Three rows as a 10 min video's are read; the exact ids are 0, 3 and 6 half seconds."""


def packer(rule: TimeRule) -> Packer:
    return Packer(TOKENIZER, CONFIG, rule)


def row_ids(rule: TimeRule, row_seconds: tuple[float, ...] = ROWS) -> list[int]:
    """Each row's time id, counted from the first row's."""
    shared = packer(rule).shared(row_seconds)
    times = shared.positions_3S[0, shared.vision[::4]]
    return (times - times[0]).tolist()


@pytest.mark.parametrize(
    ("rule", "ids"),
    [
        ("reference", [0, 3, 6]),
        ("row_index", [0, 1, 2]),
        ("int_truncated", [0, 2, 4]),
        ("hf53", [0, 3, 6]),
    ],
)
def test_rows_have_the_time_ids_of_the_rule(rule: TimeRule, ids: list[int]) -> None:
    assert row_ids(rule) == ids


@pytest.mark.parametrize(
    ("rule", "after"), [("reference", 7), ("row_index", 3), ("int_truncated", 5), ("hf53", 2)]
)
def test_the_mark_behind_the_video_stands_where_the_rule_says(rule: TimeRule, after: int) -> None:
    shared = packer(rule).shared(ROWS)
    first = int(shared.positions_3S[0, shared.vision[0]])
    assert shared.positions_3S[:, -1].tolist() == [first + after] * 3


def test_of_rows_unequally_far_apart_truncation_knows_the_mean_interval() -> None:
    assert row_ids("int_truncated", (0.0, 1.0, 4.0)) == [0, 4, 8]
    assert row_ids("int_truncated", (0.0, 0.5, 1.5)) == [0, 0, 0]
    assert row_ids("row_index", (0.0, 1.0, 4.0)) == [0, 1, 2]


def test_in_words_rows_are_images_behind_their_times() -> None:
    shared = packer("text").shared(ROWS)
    pieces = [TOKENIZER.id_to_token(i) for i in shared.ids[-30:]]
    picture = ["<|vision_start|>", *["<|image_pad|>"] * 4, "<|vision_end|>"]
    times = [["0", ".", "0", "s"], ["1", ".", "6", "s"], ["3", ".", "1", "s"]]
    assert pieces == [piece for time in times for piece in (*time, *picture)]
    assert row_ids("text") == [0, 8, 16]
    assert shared.positions_3S[:, shared.vision[:4]].sub(shared.vision[0]).tolist() == [
        [0, 0, 0, 0],
        [0, 0, 1, 1],
        [0, 1, 0, 1],
    ]


def test_in_words_the_prompt_is_the_products(tmp_path: Path) -> None:
    TOKENIZER.save(str(tmp_path / "tokenizer.json"))
    profile = replace(NANO, time_encoding="text")
    chat = Chat((Turn("system", (Text("You are a helpful assistant."),)), Turn("user", (Video(),))))
    watched = Watched(tokens_MD=torch.zeros(12, 160), run=VisionRun(Grid(3, 4, 4), ROWS))
    prompt = render(chat, [watched], Tokenizer.from_folder(tmp_path), CONFIG, profile)
    ids, positions_3S, _ = packer("text").shared(ROWS)
    assert prompt.ids[: len(ids)] == ids
    assert torch.equal(prompt.positions_3S[:, : len(ids)], positions_3S)


def test_the_default_is_the_reference() -> None:
    assert Recipe().time_rule == "reference"
    ids, positions_3S, vision = Packer(TOKENIZER, CONFIG).shared(ROWS)
    run = VisionRun(Grid(3, 4, 4), ROWS)
    assert ids[vision[0] : vision[-1] + 1] == [CONFIG.video_token_id] * 12
    assert torch.equal(positions_3S, position_ids(ids, [run], CONFIG))


@pytest.mark.parametrize("rule", RULES)
def test_a_clip_is_asked_under_the_rule_it_was_packed_under(clips: Clips, rule: TimeRule) -> None:
    run = Run(Recipe(vision_share=0.0, time_rule=rule), clips)
    window = Window(0.0, 30.0, [0, 1, 3, 6, *range(8, 60, 2)])
    told = cut_sample(clips, 0, window, np.random.default_rng(4), 2, embed=True)
    with torch.no_grad():
        packed = all_losses(run.model, run.helpers, run.packer.pack([told])).clip_ED[0]
    asker = Asker(run.model, run.tokenizer, time_rule=rule)
    alone = asker.clip_vector(asker.watch(told.frames_THWC, told.row_seconds))
    torch.testing.assert_close(packed, alone, atol=1e-4, rtol=1e-3)


def test_batches_are_the_same_under_every_rule(clips: Clips) -> None:
    runs = [Run(Recipe(vision_share=0.0, tokens=400, time_rule=r), clips) for r in RULES]
    seconds = [
        [sample.frame_seconds for sample in run.pools.batch(0, run.course())] for run in runs
    ]
    assert all(found == seconds[0] for found in seconds)


def test_a_loss_left_out_counts_nothing_in_stage_two(clips: Clips) -> None:
    assert set(HELPING) == set(asdict(Weights()))
    run = Run(Recipe(vision_share=0.5, without="active"), clips)
    assert run.weights() == {"seen": 1.0}
    run.stage = 2
    assert run.weights() == {**asdict(Weights()), "reply": 1.0, "active": 0.0}


def test_unknown_choices_are_refused() -> None:
    with pytest.raises(ValueError, match="'clock' is none of reference"):
        Recipe(time_rule="clock")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'reply' is none of seen"):
        Recipe(without="reply")
