"""Packing: a question among others is answered as if it were alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from vidqa_nano.answering import Asker
from vidqa_nano.clips import Clips
from vidqa_nano.losses import all_losses, vision_tokens
from vidqa_nano.packing import block_mask
from vidqa_nano.recipe import Recipe
from vidqa_nano.trainer import Run
from vidqa_nano.windows import Sample, Window, cut_sample, whole_window


def run_of(clips: Clips) -> Run:
    return Run(Recipe(vision_share=0.0, questions=3), clips)


def reply_logits(run: Run, samples: list[Sample]) -> torch.Tensor:
    batch = run.packer.pack(samples)
    with torch.no_grad():
        tokens = vision_tokens(run.model, batch)
        embeds = run.model.embed(batch.ids_BS).index_put(batch.vision_at, tokens)
        hidden = run.model.text(embeds, batch.positions_3BS, mask=batch.mask_B1SS)
        return run.model.logits(hidden[batch.reply_at])


def test_the_mask_shows_the_shared_part_and_the_own_question_only() -> None:
    mask = block_mask(torch.tensor([[0, 0, 1, 1, 2, -1]]))[0, 0].int().tolist()
    assert mask == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 0, 1],
    ]


def test_a_packed_question_is_scored_as_if_asked_alone(clips: Clips) -> None:
    run, rng = run_of(clips), np.random.default_rng(3)
    both = [cut_sample(clips, i, Window(0.0, 8.0, range(16)), rng, 3) for i in (0, 1)]
    alone = [
        reply_logits(run, [replace(sample, questions=[question])])
        for sample in both
        for question in sample.questions
    ]
    packed = reply_logits(run, both)
    torch.testing.assert_close(packed, torch.cat(alone), atol=2e-4, rtol=1e-3)


def test_every_question_starts_where_the_video_ends(clips: Clips) -> None:
    run, rng = run_of(clips), np.random.default_rng(3)
    sample = cut_sample(clips, 0, Window(0.0, 8.0, range(16)), rng, 3)
    batch = run.packer.pack([sample])
    shared = len(run.packer.shared(sample.row_seconds).ids)
    first = int(batch.positions_3BS[:, 0, :shared].max()) + 1
    texts = [run.packer.ids(question.text) for question in sample.questions]
    begins = [
        int(at) - len(text) - len(run.packer.turn) + 1
        for at, text in zip(batch.ask_at_BQ[0], texts, strict=True)
    ]
    assert [batch.positions_3BS[:, 0, at].tolist() for at in begins] == [[first] * 3] * len(texts)


def test_a_packed_clip_and_a_packed_text_have_the_vectors_they_have_alone(clips: Clips) -> None:
    run, rng = run_of(clips), np.random.default_rng(4)
    windows = [whole_window(story, 1.0) for story in clips.stories[:2]]
    told = [cut_sample(clips, i, windows[i], rng, 2, embed=True) for i in (0, 1)]
    with torch.no_grad():
        both = all_losses(run.model, run.helpers, run.packer.pack(told))
    asker = Asker(run.model, run.tokenizer)
    for place, cut in enumerate(told):
        watched = asker.watch(cut.frames_THWC, cut.row_seconds)
        alone = asker.clip_vector(watched)
        torch.testing.assert_close(both.clip_ED[place], alone, atol=1e-4, rtol=1e-3)
    texts = asker.text_vectors([told[1].texts[0].text])
    torch.testing.assert_close(both.text_ND[len(told[0].texts)], texts[0], atol=1e-4, rtol=1e-3)
