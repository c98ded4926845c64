"""Asks nano about clips it was not trained on and keeps the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from tokenizers import Tokenizer

from qwen25vl import Qwen25VL
from vidqa_nano.answering import Asker, Watched
from vidqa_nano.clips import FPS, OVERSAMPLE, SIDE, Clips, frame_times
from vidqa_nano.phrases import canonical
from vidqa_nano.queries import TRAINED, Query, Seen, confusions
from vidqa_nano.questions import ground
from vidqa_nano.render import draw_frames
from vidqa_nano.scores import Answered
from vidqa_nano.timing import TimeRule
from vidqa_nano.windows import Sample, cut_sample, seen_events, whole_window
from vidqa_nano.wording import read_spans
from vidqa_nano.world import Rng, Story

SLOW_S = 64.0
"""From this length on a clip is read at 1 frame a second: the product reads at most 128 frames."""


def product_fps(duration_s: float) -> float:
    """The rate at which the product reads a video of that length."""
    return 2.0 if duration_s <= SLOW_S else 1.0


def watch(
    asker: Asker, clips: Clips, index: int, fps: float | None = None
) -> tuple[Sample, Watched]:
    """A whole clip as the product reads it, or at ``fps``, and the network's memory of it."""
    sample = read_whole(clips, index, fps or product_fps(clips.stories[index].duration_s))
    return sample, asker.watch(sample.frames_THWC, sample.row_seconds)


def read_whole(clips: Clips, index: int, fps: float) -> Sample:
    """A whole clip; at a rate of which the stored frames are no multiple, it is drawn anew."""
    story = clips.stories[index]
    if FPS % fps == 0:
        window = whole_window(story, fps)
        return cut_sample(clips, index, window, np.random.default_rng(0), 0)
    times = frame_times(story.duration_s, fps)
    times += times[-1:] * (len(times) % 2)
    frames = draw_frames(story, times, SIDE, oversample=OVERSAMPLE)
    return Sample(frames, times, seen_events(story, whole_window(story)), _UNKNOWN, [])


_UNKNOWN = np.zeros((0, 0), np.float32)
"""States of the scene that nobody asks for."""


def measure(
    model: Qwen25VL,
    tokenizer: Tokenizer,
    clips: Clips,
    which: Iterable[int],
    *,
    present: int = 2,
    absent: int = 1,
    time_rule: TimeRule = "reference",
    fps: float | None = None,
) -> list[Answered]:
    """``present`` and ``absent`` grounding questions about each of some clips.

    ``time_rule`` is the one of the training. Frames are read at ``fps``, or as the product does.
    """
    model.eval()
    asker, answers = Asker(model, tokenizer, time_rule=time_rule), []
    for index in which:
        story = clips.stories[index]
        queries = choose_queries(story, present, absent, np.random.default_rng([9, index]))
        sample, watched = watch(asker, clips, index, fps)
        answers += ask_about(asker, watched, sample.events, queries, index, story.duration_s)
    model.train()
    return answers


def ask_about(
    asker: Asker,
    watched: Watched,
    events: Sequence[Seen],
    queries: Sequence[Query],
    index: int,
    duration_s: float,
) -> list[Answered]:
    """When each query happens in a clip: what is true and what is answered."""
    asked = [ground(query, events) for query in queries]
    replies = asker.ask_all(watched, [question.text for question in asked])
    return [
        Answered(
            index,
            duration_s,
            canonical(query.kind, query.colour),
            question.spans,
            read_spans(reply),
        )
        for query, question, reply in zip(queries, asked, replies, strict=True)
    ]


def choose_queries(story: Story, present: int, absent: int, rng: Rng) -> list[Query]:
    """Queries about a story: some that happen in it, some that could have but do not."""
    events: list[Seen] = seen_events(story, whole_window(story))
    happening = [q for q in TRAINED if q.spans(events)]
    chosen = [happening[i] for i in rng.permutation(len(happening))[:present]]
    likely = [
        near
        for q in happening
        for queries in confusions(q).values()
        for near in queries
        if not near.spans(events)
    ]
    return chosen + [likely[i] for i in rng.permutation(len(likely))[:absent]]
