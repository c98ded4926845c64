"""The rows of the table of figures: each ability measured on clips that training never sees.

In: a network that can be asked (:class:`vidqa_nano.answering.Asker`) and drawn clips. Out:
:class:`Row` objects: a figure, what was to be reached, and what answers score that look at nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from vidqa_nano.answering import Asker, Watched
from vidqa_nano.asking import ASKED, LETTERS, Cast
from vidqa_nano.clips import Clips
from vidqa_nano.measure import ask_about, watch
from vidqa_nano.phrases import NOVEL_PAIRS
from vidqa_nano.queries import EVERY_QUERY, Query, Seen, confusions
from vidqa_nano.questions import Question, Sides, ground, verify
from vidqa_nano.scores import (
    Answered,
    Figure,
    auroc,
    false_alarms,
    mean_of,
    resampled,
    span_f1,
    summary,
    trivial,
)
from vidqa_nano.telling import caption_of
from vidqa_nano.windows import Sample, cast_of, seen_events, whole_window
from vidqa_nano.wording import read_spans
from vidqa_nano.world import Rng

MOST_PER_CLIP = 3
"""Questions of one sort about one clip: many clips tell more than many questions."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    figure: Figure
    goal: str
    """What the figure is to reach."""
    beside: Mapping[str, float] = field(default_factory=dict)
    """What answers that look at nothing score."""


Choose = Callable[[Sequence[Seen]], list[Query]]


def once(events: Sequence[Seen]) -> list[Query]:
    """Queries of kind and colour that happen exactly once."""
    exact = [(e.kind.name, e.colour) for e in events]
    return [Query(e.kind, e.colour) for e in events if exact.count((e.kind.name, e.colour)) == 1]


def once_novel(events: Sequence[Seen]) -> list[Query]:
    """Of these, the pairs that training never shows."""
    return [q for q in once(events) if (q.kind.name, q.colour) in NOVEL_PAIRS]


def several(events: Sequence[Seen]) -> list[Query]:
    """Queries that happen more than once, apart from each other."""
    exact = {(e.kind.name, e.colour) for e in events} | {(e.kind.name, None) for e in events}
    found = [q for q in EVERY_QUERY if (q.kind.name, q.colour) in exact]
    return [q for q in found if len(q.spans(events)) > 1]


def grounded(asker: Asker, clips: Clips, count: int, choose: Choose) -> list[Answered]:
    """Answers to up to three of the chosen queries about each clip."""
    answers: list[Answered] = []
    for index, sample, watched, rng in seen_clips(asker, clips, count, choose):
        queries = picked(choose(sample.events), rng)
        length = clips.stories[index].duration_s
        answers += ask_about(asker, watched, sample.events, queries, index, length)
    return answers


def seen_clips(
    asker: Asker, clips: Clips, count: int, choose: Choose | None = None
) -> Iterator[tuple[int, Sample, Watched, Rng]]:
    """Each of the first clips that has something to be asked."""
    for index in range(min(count, len(clips))):
        rng = luck_of(index)
        if choose is None or choose(watched_events(clips, index)):
            yield index, *watch(asker, clips, index), rng


def luck_of(index: int) -> Rng:
    """What is drawn for the questions about a clip: the same each time."""
    return np.random.default_rng([11, index])


def watched_events(clips: Clips, index: int) -> list[Seen]:
    """All events of a clip."""
    story = clips.stories[index]
    return seen_events(story, whole_window(story))


def picked(queries: Sequence[Query], rng: Rng) -> list[Query]:
    """Up to three of the queries."""
    return [queries[i] for i in rng.permutation(len(queries))[:MOST_PER_CLIP]]


def grounding_rows(name: str, answers: Sequence[Answered], goals: Sequence[str]) -> list[Row]:
    """Mean IoU and recall at 0.5 and 0.7, as many as there are goals."""
    ours, others = summary(answers), {k: summary(v) for k, v in trivial(answers).items()}
    return [
        Row(f"{name}: {what}", ours[what], goal, {k: o[what].value for k, o in others.items()})
        for what, goal in zip(("mIoU", "R@0.5", "R@0.7"), goals, strict=False)
    ]


def several_rows(answers: Sequence[Answered]) -> list[Row]:
    """F1 of spans at IoU 0.5."""
    figure = mean_of([(a.clip, span_f1(a.truth, a.answer)) for a in answers])
    beside = {
        name: float(np.mean([span_f1(a.truth, a.answer) for a in given]))
        for name, given in trivial(answers).items()
    }
    return [Row("several spans: F1 at IoU 0.5", figure, ">= 0.70", beside)]


def absent_rows(asker: Asker, clips: Clips, count: int) -> list[Row]:
    """Whether it happens at all: every present query against one that differs in one thing."""
    owner: list[int] = []
    truth: list[bool] = []
    letters: list[float] = []
    firsts: list[float] = []
    for index, sample, watched, rng in seen_clips(asker, clips, count, once):
        for query in picked(once(sample.events), rng)[:2]:
            for asked in (query, *near_miss(query, sample.events, rng)):
                owner.append(index)
                truth.append(bool(asked.spans(sample.events)))
                letters.append(asker.chance(watched, verify(asked, sample.events).text, "A", "B"))
                text = ground(asked, sample.events).text
                firsts.append(asker.chance(watched, text, *FIRST_WORDS))
    yes, rows = np.asarray(truth), []
    for name, chances in (("letter", letters), ("first word", firsts)):
        score = np.asarray(chances)
        rows += [
            Row(
                f"absent ({name}): AUROC",
                _split(owner, yes, score, auroc),
                ">= 0.93",
                {"chance": 0.5},
            ),
            Row(
                f"absent ({name}): false alarms at 90 % recall",
                _split(owner, yes, score, false_alarms),
                "<= 0.15",
                {"chance": 0.9},
            ),
        ]
    return rows


FIRST_WORDS = ("The given query happens in ", "The given query does not happen in the video.")


def near_miss(query: Query, events: Sequence[Seen], rng: Rng) -> list[Query]:
    """One query that does not happen and differs from ``query`` in direction, colour or action."""
    near = [[q for q in queries if not q.spans(events)] for queries in confusions(query).values()]
    pools = [pool for pool in near if pool]
    if not pools:
        return []
    pool = pools[int(rng.integers(len(pools)))]
    return [pool[int(rng.integers(len(pool)))]]


def _split(
    owner: Sequence[int],
    yes: NDArray[np.bool_],
    score: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64], NDArray[np.float64]], float],
) -> Figure:
    def of(places: NDArray[np.int64]) -> float:
        return statistic(score[places][yes[places]], score[places][~yes[places]])

    return resampled(owner, of)


WORDS = {
    "choice": "multiple choice",
    "whether": "yes or no",
    "colour": "colour",
    "count": "count",
    "order": "before or after",
}


def choice_rows(asker: Asker, clips: Clips, count: int) -> list[Row]:
    """Lettered answers and yes or no; as many yes as no, one question of each sort a clip."""
    right: dict[str, list[tuple[int, float]]] = {name: [] for name in WORDS}
    chance: dict[str, list[float]] = {name: [] for name in WORDS}
    for index, sample, watched, rng in seen_clips(asker, clips, count):
        cast = cast_of(clips.stories[index], whole_window(clips.stories[index]))
        given = posed(sample.events, cast, rng)
        replies = asker.ask_all(watched, [question.text for question in given.values()])
        for (name, question), reply in zip(given.items(), replies, strict=True):
            right[name].append((index, float(_word(reply) == _word(question.reply))))
            chance[name].append(1 / _options(name, question))
    both = right["choice"] + right["whether"]
    guess = _mean(chance["choice"] + chance["whether"])
    rows = [Row("multiple choice and yes or no", mean_of(both), ">= 0.80", {"guess": guess})]
    return rows + [
        Row(f"  {what}", mean_of(right[name]), "", {"guess": _mean(chance[name])})
        for name, what in WORDS.items()
    ]


def posed(events: Sequence[Seen], cast: Cast, rng: Rng) -> dict[str, Question]:
    """A question of each sort that the clip has something for."""
    sides = Sides.of(events, rng)
    asked = {name: ASKED[name][1](sides, cast, rng) for name in WORDS}
    return {name: question for name, question in asked.items() if question is not None}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _word(reply: str) -> str:
    """The answer without the times that it rests on."""
    return reply.split(",")[0].rstrip(".")


def _options(name: str, question: Question) -> int:
    lettered = sum(f"\n{letter}. " in question.text for letter in LETTERS)
    return lettered or {"whether": 2, "order": 2, "colour": 4, "count": 7}.get(name, 1)


def retrieval_rows(asker: Asker, clips: Clips) -> list[Row]:
    """Every clip's caption against all clips: how often its own comes first, or among five."""
    told = [i for i in range(len(clips)) if clips.stories[i].events]
    captions = [caption_of(watched_events(clips, i)) for i in told]
    vectors = torch.stack([asker.clip_vector(watch(asker, clips, i)[1]) for i in told])
    texts = torch.cat([asker.text_vectors(captions[k : k + 64]) for k in range(0, len(told), 64)])
    cosines = texts @ vectors.T
    place = (cosines > cosines.diagonal()[:, None]).sum(1).tolist()
    name = f"text to clip among {len(told)}"
    return [
        Row(
            f"{name}: R@{most}",
            mean_of([(i, float(at < most)) for i, at in zip(told, place, strict=True)]),
            goal,
            {"chance": most / len(told)},
        )
        for most, goal in ((1, ">= 0.60"), (5, ">= 0.90"))
    ]


def slope_rows(asker: Asker, clips: Clips, count: int) -> list[Row]:
    """The same frames said to be twice as far apart: how the answered times change."""
    owner: list[int] = []
    times: list[tuple[float, float]] = []
    for index, sample, watched, rng in seen_clips(asker, clips, count, once):
        asked = [ground(q, sample.events).text for q in picked(once(sample.events), rng)]
        slow = asker.watch(sample.frames_THWC, [2 * t_s for t_s in sample.row_seconds])
        replies = zip(asker.ask_all(watched, asked), asker.ask_all(slow, asked), strict=True)
        for one, other in replies:
            a, b = read_spans(one), read_spans(other)
            if len(a) == len(b) == 1:
                times += zip(a[0], b[0], strict=True)
                owner += [index, index]
    at = np.asarray(times, np.float64).reshape(-1, 2)

    def slope(places: NDArray[np.int64]) -> float:
        x, y = at[places].T
        return float(np.polyfit(x, y, 1)[0])

    def correlation(places: NDArray[np.int64]) -> float:
        return float(np.corrcoef(at[places].T)[0, 1])

    beside = {"blind to time": 1.0}
    return [
        Row("interval doubled: slope", resampled(owner, slope), "1.9 to 2.1", beside),
        Row("interval doubled: correlation", resampled(owner, correlation), "> 0.98"),
    ]
