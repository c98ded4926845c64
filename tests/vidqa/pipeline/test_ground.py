"""Grounding: what the model says on its own timeline comes out as seconds of the video."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from tests.scripted_engine import context_saying
from vidqa.errors import VideoError
from vidqa.pipeline.ground import ground
from vidqa.profiles import BASE
from vidqa.replies.grammar import reply_grammar
from vidqa.sampling import Budget
from vidqa.timeline import Span

UNFAMILIAR = "This footage does not look like what scripted was made for; its answer means little."


def test_a_clip_that_fits_is_seen_at_two_frames_a_second_on_a_uniform_clock(clip: Path) -> None:
    ctx, engine = context_saying("The given query happens in 2.0 - 3.5 seconds.")
    result = ground(clip, "light turns on", ctx)
    assert engine.rows_seen == [(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)]
    levels = engine.frames_seen[0].mean(axis=(1, 2, 3))
    assert np.abs(levels - np.arange(16) * 10.0).max() < 3.0
    assert (result.outcome, result.spans) == ("found", (Span(2.0, 3.5),))


def test_the_query_reaches_the_model_in_the_words_of_its_profile(clip: Path) -> None:
    ctx, engine = context_saying("no")
    ground(clip, "  light   turns on ", ctx)
    assert engine.asked == [
        "Give the query: 'light turns on', when does the described content occur in the video?"
    ]


@pytest.mark.parametrize(
    ("knows", "notes"),
    [
        (None, ()),
        (True, ()),
        (False, (UNFAMILIAR,)),
    ],
)
def test_a_result_says_whether_the_model_knows_such_footage(
    clip: Path, knows: bool | None, notes: tuple[str, ...]
) -> None:
    ctx, engine = context_saying("no")
    engine.knows = knows
    told = ground(clip, "q", ctx).provenance
    assert (told.familiar, told.notes) == (knows, notes)
    assert told.to_dict()["familiar"] is knows


def test_a_window_shifts_the_answer_back_to_the_time_of_the_video(clip: Path) -> None:
    ctx, engine = context_saying("The given query happens in 1.0 - 2.0 seconds.")
    result = ground(clip, "q", ctx, start_s=4.0, end_s=8.0)
    assert engine.rows_seen == [(0.0, 1.0, 2.0, 3.0)]
    assert result.spans == (Span(5.0, 6.0),)
    coverage = result.to_dict()["coverage"]
    assert coverage == {"start": 4.0, "end": 8.0, "fraction": 0.5}


def test_a_reply_beyond_the_window_is_cut_to_it(clip: Path) -> None:
    ctx, _ = context_saying("The given query happens in 2.0 - 90.0 seconds.")
    assert ground(clip, "q", ctx, start_s=4.0).spans == (Span(6.0, 8.0),)


def test_several_spans_keep_the_order_of_the_reply(clip: Path) -> None:
    ctx, _ = context_saying("The given query happens in 1.0 - 2.0, 5.0 - 6.5 seconds.")
    assert ground(clip, "q", ctx).spans == (Span(1.0, 2.0), Span(5.0, 6.5))


def test_a_plain_no_is_an_answer(clip: Path) -> None:
    ctx, _ = context_saying("The given query does not happen in the video.")
    result = ground(clip, "q", ctx)
    assert (result.outcome, result.segments) == ("not_found", ())


def test_words_without_times_are_uncertain_and_kept(clip: Path) -> None:
    ctx, _ = context_saying("I cannot tell you more about it.")
    result = ground(clip, "q", ctx)
    assert (result.outcome, result.segments) == ("uncertain", ())
    assert result.provenance.reply == "I cannot tell you more about it."


def test_evidence_names_frames_inside_the_span_by_time_and_by_pixels(clip: Path) -> None:
    ctx, engine = context_saying("The given query happens in 2.0 - 4.0 seconds.")
    evidence = ground(clip, "q", ctx).segments[0].evidence
    assert [frame.pts_s for frame in evidence] == [2.0, 3.0, 3.5]
    pixels = engine.frames_seen[0][4].tobytes()
    assert evidence[0].sha256 == f"sha256:{hashlib.sha256(pixels).hexdigest()}"


def test_a_span_between_two_frames_is_proved_by_the_nearest(clip: Path) -> None:
    ctx, _ = context_saying("The given query happens in 2.1 - 2.2 seconds.")
    evidence = ground(clip, "q", ctx).segments[0].evidence
    assert [frame.pts_s for frame in evidence] == [2.0]


def test_the_score_comes_from_the_digits_and_the_precision_from_the_rows(clip: Path) -> None:
    ctx, _ = context_saying("The given query happens in 2.0 - 4.0 seconds.")
    segment = ground(clip, "q", ctx).segments[0]
    assert segment.score == pytest.approx(math.exp(-0.5))
    assert segment.precision_s == 1.0


def test_the_cost_of_the_pass_is_what_was_really_encoded(clip: Path) -> None:
    ctx, engine = context_saying("no", budget=Budget(frames=8, row_tokens_max=16))
    looked = ground(clip, "q", ctx).provenance.passes[0]
    frames, height, width, _ = engine.frames_seen[0].shape
    assert (looked.frames, looked.height, looked.width) == (frames, height, width)
    assert looked.frames <= 8
    assert looked.video_tokens == frames // 2 * (height // 28) * (width // 28)


def test_the_video_is_named_by_the_digest_of_its_bytes(clip: Path) -> None:
    ctx, _ = context_saying("no")
    wanted = hashlib.sha256(clip.read_bytes()).hexdigest()
    assert ground(clip, "q", ctx).provenance.video.id == f"sha256:{wanted}"


def test_a_strict_question_holds_the_reply_to_the_profiles_format(clip: Path) -> None:
    ctx, engine = context_saying("The given query happens in 2.0 - 4.0 seconds.")
    ground(clip, "q", ctx)
    ground(clip, "q", ctx, strict=True)
    assert engine.held_to == [None, reply_grammar(BASE.reply_format)]
    assert engine.grammars == [reply_grammar(BASE.reply_format)]


def test_a_reply_at_its_length_limit_carries_a_note(clip: Path) -> None:
    ctx, _ = context_saying("The given query happens in 2.0 - 4.0", cut_short=True)
    assert "length limit" in ground(clip, "q", ctx).provenance.notes[0]


def test_progress_names_both_ends_of_every_stage_and_counts_the_tokens(clip: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    ctx, _ = context_saying("no", progress=lambda *step: seen.append(step))
    ground(clip, "q", ctx)
    assert seen[:6] == [
        (stage, done, 1) for stage in ("probe", "decode", "vision") for done in (0, 1)
    ]
    assert seen[6:] == [("text", tokens, 256) for tokens in (0, 1, 2, 256)]


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(8.0, None), (9.0, 10.0), (None, 0.0), (5.0, 3.0), (-3.0, -1.0)]
)
def test_a_window_that_holds_nothing_is_an_error_that_gives_the_length(
    clip: Path, start_s: float | None, end_s: float | None
) -> None:
    ctx, engine = context_saying("no")
    with pytest.raises(VideoError) as caught:
        ground(clip, "q", ctx, start_s=start_s, end_s=end_s)
    assert (caught.value.code, engine.asked) == ("window_outside", [])
    assert "8.000" in caught.value.next_step


def test_a_window_that_sticks_out_is_cut_to_the_video(clip: Path) -> None:
    ctx, _ = context_saying("no")
    result = ground(clip, "q", ctx, start_s=-5.0, end_s=99.0)
    assert result.provenance.coverage.span == Span(0.0, 8.0)


def test_the_qwen_mode_reads_the_published_frames_and_maps_its_times_back(clip: Path) -> None:
    ctx, engine = context_saying("The given query happens in 2.0 - 7.5 seconds.", mode="qwen")
    result = ground(clip, "q", ctx)
    assert engine.rows_seen == [(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)]
    # Frame k of 16 is number round(79 k / 15): the model's 2.0 s (k = 4) is frame 21, at 2.1 s.
    assert result.spans[0].start_s == pytest.approx(2.1)
    assert result.spans[0].end_s == pytest.approx(7.9)
