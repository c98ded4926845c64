"""Asks nano about held-out clips and keeps the answers, from memory or through the product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from qwen25vl import Qwen25VL
from vidqa_nano.answering import Asker
from vidqa_nano.clips import Clips, scene_of
from vidqa_nano.film import write_film
from vidqa_nano.phrases import canonical, question
from vidqa_nano.questions import EVERY_QUERY, Query, Seen, ground
from vidqa_nano.scores import Answered
from vidqa_nano.windows import cut_sample, seen_events, whole_window
from vidqa_nano.wording import ASK, VERIFY, read_spans
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
            asked = ground(query, sample.events)
            answer = read_spans(asker.ask(watched, asked.text))
            name = canonical(query.kind, query.colour)
            answers.append(Answered(index, scene.duration_s, name, asked.spans, answer))
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


def measure_words(
    model: Qwen25VL, tokenizer: Tokenizer, clips: Clips, *, count: int
) -> dict[str, list[tuple[int, float]]]:
    """Right (1) or wrong (0) by clip: letters, yes or no, colours; as many yes as no are asked."""
    asker = Asker(model, tokenizer)
    right: dict[str, list[tuple[int, float]]] = {"letter": [], "yes or no": [], "colour": []}
    for index in range(count):
        scene, window = clips.scenes[index], whole_window(clips.scenes[index])
        sample = cut_sample(clips, index, window, np.random.default_rng(0), 0)
        watched = asker.watch(sample.frames_THWC, sample.row_seconds)
        for query in choose_queries(scene, 1, 1, np.random.default_rng([10, index])):
            spans = query.spans(sample.events)
            letter = asker.ask(watched, VERIFY.format(query=canonical(query.kind, query.colour)))
            right["letter"].append((index, float(letter == ("A" if spans else "B"))))
            asked = f"Does {question(query.kind, query.colour)}?"
            answer = asker.ask(watched, ASK.format(question=asked))
            right["yes or no"].append((index, float(answer.startswith("Yes" if spans else "No"))))
        for kind, colour in _only_ones(scene):
            answer = asker.ask(watched, ASK.format(question=f"What colour is the {kind}?"))
            right["colour"].append((index, float(answer == f"{colour.capitalize()}.")))
    return right


def _only_ones(scene: Scene) -> list[tuple[str, str]]:
    """Coloured actors that have no second of their kind beside them."""
    coloured = [(actor.kind, actor.colour) for actor in scene.actors if actor.colour]
    kinds = [kind for kind, _ in coloured]
    return [(kind, colour) for kind, colour in coloured if kinds.count(kind) == 1]


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
            name = canonical(query.kind, query.colour)
            found = session.ground(film, name).segments
            answer = [(segment.span.start_s, segment.span.end_s) for segment in found]
            answers.append(Answered(index, scene.duration_s, name, query.spans(events), answer))
        film.unlink()
    return answers
