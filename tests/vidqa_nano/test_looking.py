"""Where the decoder is shown to look while it writes a reply."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from qwen25vl.layers import rotate
from qwen25vl.rope import text_rope
from vidqa_nano.asking import choice
from vidqa_nano.clips import Clips
from vidqa_nano.labels import edge_row
from vidqa_nano.looking import (
    BEGIN,
    EDGE,
    HEADS,
    NAMED,
    RIGHT,
    SAID,
    Draft,
    Looks,
    digits_of,
    looking_loss,
    watch_heads,
)
from vidqa_nano.phrases import BY_NAME
from vidqa_nano.queries import Query, Seen
from vidqa_nano.questions import Mark, ground
from vidqa_nano.recipe import Recipe
from vidqa_nano.trainer import Run
from vidqa_nano.windows import PRESENT, STATES, Sample, cut_sample, whole_window

RAIN = BY_NAME["weather_rain"]


def sample(events: list[Seen], rows: int = 8) -> Sample:
    frames = np.zeros((2 * rows, 56, 56, 3), np.uint8)
    states = np.zeros((rows, len(STATES) + len(PRESENT)), np.float32)
    asked = [ground(Query(RAIN, None), events)]
    return Sample(frames, [k / 2 for k in range(2 * rows)], events, states, asked)


@pytest.mark.parametrize(("edge_s", "row"), [(4.0, 4), (4.4, 4), (4.6, 5), (5.0, 5), (7.9, 7)])
def test_an_edge_shows_in_the_first_row_whose_frames_can_tell(edge_s: float, row: int) -> None:
    assert edge_row(sample([]), edge_s) == row


def test_at_an_uneven_rate_an_edge_shows_in_the_row_that_ends_after_it() -> None:
    uneven = replace(sample([], rows=3), frame_seconds=[0.0, 0.5, 3.0, 5.0, 6.0, 6.5])
    assert [edge_row(uneven, edge_s) for edge_s in (0.4, 0.5, 4.9, 5.0, 9.0)] == [0, 1, 1, 2, 2]


def test_a_number_on_a_board_is_no_time() -> None:
    pieces = [
        "4",
        ".",
        "0",
        " - ",
        "5",
        ".",
        "5",
        " seconds, ",
        "number",
        " ",
        "7",
        " appears",
        ".",
    ]
    assert [number for _, number in digits_of(pieces)] == [0, 0, 1, 1]


def test_digits_are_counted_by_the_time_they_are_part_of() -> None:
    pieces = ["happens in ", "3", ".", "0", " - ", "1", "2", ".", "5", ",", " ", "7", ".", "1"]
    assert list(digits_of(pieces)) == [
        (1, 0),
        (3, 0),
        (5, 1),
        (6, 1),
        (8, 1),
        (11, 2),
        (13, 2),
    ]


def test_a_reply_begins_at_the_rows_that_are_on_and_writes_times_at_their_rows() -> None:
    draft = Draft(sample([Seen(RAIN, None, 2.0, 4.1)]), range(10, 18), tokens_per_row=1)
    draft.add(0, 100, ["The given query happens in ", "2", ".", "0", " - ", "4", ".", "1"])
    begin, *digits = draft.found
    assert begin == (100, BEGIN, [12, 13])
    assert digits == [
        (101, EDGE, [12]),
        (103, EDGE, [12]),
        (105, EDGE, [14]),
        (107, EDGE, [14]),
    ]


def test_an_absent_event_begins_at_the_token_before_the_video() -> None:
    draft = Draft(sample([]), range(10, 42), tokens_per_row=4)
    draft.add(0, 50, ["The given query does not happen in the video."])
    assert draft.found == [(50, BEGIN, [9])]


def test_a_named_event_looks_at_the_rows_that_are_on_and_one_that_never_is_before_the_video() -> (
    None
):
    draft = Draft(sample([]), range(10, 18), tokens_per_row=1)
    for token, spans in ((30, [(2.0, 4.1)]), (35, ()), (40, None)):
        draft.add_mark(Mark(9, spans), token, [], at=50)
    assert draft.found == [(30, NAMED, [12, 13]), (35, NAMED, [9])]


def test_a_reply_begins_at_the_right_one_of_several_answers() -> None:
    draft = Draft(sample([]), range(10, 18), tokens_per_row=1)
    draft.add_mark(Mark(9, None), 30, [], at=50)
    draft.add_mark(Mark(20, None, right=True), 35, [], at=50)
    assert draft.found == [(50, RIGHT, [35])]


def test_a_lettered_answer_looks_at_its_letter() -> None:
    draft = Draft(sample([]), range(10, 18), tokens_per_row=1)
    draft.add_mark(Mark(20, None, said=15), 35, [32], at=50)
    assert draft.found == [(35, SAID, [32])]


def test_a_mark_stands_at_the_last_token_of_its_phrase(clips: Clips) -> None:
    run = Run(Recipe(), clips)
    asked = choice("Which?", "it rains", ["it snows"], np.random.default_rng(0))
    assert asked is not None
    ends = [mark.end for mark in asked.marks]
    named = [run.packer.pieces(asked.text)[k] for k in run.packer.places(asked.text, ends)]
    assert [piece[1:] for piece in named] == ["snows", "rains"]
    assert [asked.text[:end].split()[-1] for end in ends] == ["snows", "rains"]
    letters = [mark.said for mark in asked.marks if mark.said is not None]
    assert [asked.text[end - 1] for end in letters] == ["A", "B"]
    said = [run.packer.pieces(asked.text)[k] for k in run.packer.places(asked.text, letters)]
    assert ["A" in said[0], "B" in said[1]] == [True, True]


def test_the_loss_is_what_the_decoders_attention_leaves_for_other_tokens(clips: Clips) -> None:
    run = Run(Recipe(vision_share=0.0, tokens=400, questions=4), clips)
    batch = run.packer.pack(run.pools.batch(0, run.course())[:1])
    ids_BS, at = batch.ids_BS[:1], int(batch.looks.token_N[0])
    looks = Looks(
        torch.tensor([0]), torch.tensor([at]), torch.tensor([EDGE]), batch.looks.target_NS[:1]
    )
    with watch_heads(run.model) as seen, torch.no_grad():
        run.model.text(
            run.model.embed(ids_BS), batch.positions_3BS[:, :1], mask=batch.mask_B1SS[:1]
        )
    loss = looking_loss(run.model, seen, looks, batch.positions_3BS[:, :1], batch.mask_B1SS[:1])
    layer, head = HEADS[EDGE]
    config = run.model.config.text
    rope = text_rope(batch.positions_3BS[:, :1], config, torch.float32)
    q, k = (
        rotate(seen[layer, name].unflatten(2, (-1, config.head_dim)).transpose(1, 2), *rope)[
            0, head
        ]
        for name in ("q_proj", "k_proj")
    )
    scores = (q[at] @ k.T) * config.head_dim**-0.5
    share = scores.masked_fill(~batch.mask_B1SS[0, 0, at], -torch.inf).softmax(0)
    assert loss.item() == pytest.approx(-share[looks.target_NS[0]].sum().log().item(), rel=1e-5)


def test_looks_point_at_tokens_that_may_be_attended_to(clips: Clips) -> None:
    run = Run(Recipe(vision_share=0.0, tokens=600, questions=4), clips)
    batch = run.packer.pack(run.pools.batch(0, run.course()))
    looks = batch.looks
    allowed = batch.mask_B1SS[looks.clip_N, 0, looks.token_N]
    assert bool((looks.target_NS <= allowed).all())
    assert bool(looks.target_NS.any(1).all())


def test_supervised_tokens_are_the_ones_that_predict_digits(clips: Clips) -> None:
    run, rng = Run(Recipe(vision_share=0.0), clips), np.random.default_rng(0)
    cut = cut_sample(clips, 0, whole_window(clips.stories[0]), rng, 0)
    event = next(e for e in cut.events if not e.kind.name.startswith("number"))
    asked = [ground(Query(event.kind, None), cut.events)]
    batch = run.packer.pack([replace(cut, questions=asked)])
    edges = batch.looks.what_N == EDGE
    said = batch.ids_BS[0, batch.looks.token_N[edges] + 1]
    digits = "".join(run.tokenizer.id_to_token(int(i)) for i in said)
    assert digits == "".join(c for c in asked[0].reply if c.isdigit())
    assert torch.equal(batch.looks.clip_N, torch.zeros_like(batch.looks.clip_N))
