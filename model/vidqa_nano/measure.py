"""Asks nano about held-out clips and keeps the answers, from memory or through the product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from qwen25vl import Qwen25VL
from vidqa_nano.answering import Asker
from vidqa_nano.clips import Clips, scene_of
from vidqa_nano.film import write_film
from vidqa_nano.questions import EVERY_QUERY, Query, Seen, ground
from vidqa_nano.scores import Answered
from vidqa_nano.windows import cut_sample, seen_events, whole_window
from vidqa_nano.wording import read_spans
from vidqa_nano.world import Rng, Scene


def measure(
    model: Qwen25VL,
    tokenizer: Tokenizer,
    clips: Clips,
    *,
    count: int,
    present: int = 2,
    absent: int = 1,
) -> list[Answered]:
    """``present`` and ``absent`` grounding questions about each of the first ``count`` clips."""
    model.eval()
    asker, answers = Asker(model, tokenizer), []
    for index in range(count):
        scene = clips.scenes[index]
        sample = cut_sample(clips, index, whole_window(scene), np.random.default_rng(0), 0)
        watched = asker.watch(sample.frames_THWC, sample.row_seconds)
        for query in choose_queries(scene, present, absent, np.random.default_rng([9, index])):
            question = ground(query, sample.events)
            answer = read_spans(asker.ask(watched, question.text))
            name = question.text.split("'")[1]
            answers.append(Answered(index, scene.duration_s, name, question.spans, answer))
    model.train()
    return answers


def choose_queries(scene: Scene, present: int, absent: int, rng: Rng) -> list[Query]:
    """Queries about a scene: some that happen in it, some that could have but do not."""
    events: list[Seen] = seen_events(scene, whole_window(scene))
    there = {actor.kind for actor in scene.actors}
    happening = [q for q in EVERY_QUERY if q.spans(events)]
    likely = [q for q in EVERY_QUERY if not q.spans(events) and q.kind.actor in there]
    chosen = [happening[i] for i in rng.permutation(len(happening))[:present]]
    return chosen + [likely[i] for i in rng.permutation(len(likely))[:absent]]


def measure_files(
    weights: Path, folder: Path, count: int, *, present: int = 2, absent: int = 1
) -> list[Answered]:
    """The same questions about the same clips, as H.264 files asked through ``vidqa``."""
    import vidqa

    session, answers = vidqa.open(model=str(weights)), []
    for index in range(count):
        scene, film = scene_of("held_out", index), folder / f"{index}.mp4"
        write_film(scene, film, side=224, fps=12)
        events = seen_events(scene, whole_window(scene))
        for query in choose_queries(scene, present, absent, np.random.default_rng([9, index])):
            question = ground(query, events)
            name = question.text.split("'")[1]
            found = session.ground(film, name).segments
            answer = [(segment.span.start_s, segment.span.end_s) for segment in found]
            answers.append(Answered(index, scene.duration_s, name, question.spans, answer))
        film.unlink()
    return answers
