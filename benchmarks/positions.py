"""What each rule for time ids gives, in ids and in answers of the built-in model.

``python -m benchmarks.positions [--quick] [--json] [--clips N]``

First, exactly: the ids of the official sampler's default reading of four lengths of video. Then,
measured: nano, which was trained under the reference rule, is asked when things happen in clips it
never saw, read at several intervals, under each rule; same pixels, same questions.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer

from qwen25vl import Grid, VisionRun, load_model, position_ids, uniform_rows
from qwen25vl.positions import MODES, Mode
from qwen25vl.shapes import SHAPES
from vidqa.sampling.qwen import smart_nframes
from vidqa.sampling.size import frame_pixels, smart_resize
from vidqa_nano import weights_folder
from vidqa_nano.answering import Asker
from vidqa_nano.clips import SIDE, frame_times, story_of
from vidqa_nano.measure import choose_queries
from vidqa_nano.phrases import canonical
from vidqa_nano.questions import ground
from vidqa_nano.render import draw_frames
from vidqa_nano.scores import Answered, Figure, mean_of, summary
from vidqa_nano.windows import seen_events, whole_window
from vidqa_nano.wording import read_spans

SECONDS = (10, 60, 600, 3600)
FPS, SOURCE = 30, (720, 1280)
TOKEN_PIXELS, MIN_TOKENS, BUDGET = 28 * 28, 128, 115_200
"""The official sampler's defaults: pixels per token, tokens per frame and per video."""
BEFORE = 15
"""Tokens of the chat format before a video that comes first."""
INTERVALS_S = (0.5, 0.8, 1.0, 1.5625, 2.0)
"""Seconds per row (pair of frames). Nano was trained at 1 and 2; 1.5625 is a 10 min video's."""


def main() -> None:
    """Run, then print tables or one JSON document."""
    options = _options()
    torch.set_num_threads(options.threads)
    clips = options.clips or (20 if options.quick else 200)
    ids = [ids_of(seconds) for seconds in SECONDS]
    answers = [_jsonable(row) for row in measured(clips)]
    if options.json:
        print(json.dumps({"ids": ids, "clips": clips, "nano": answers}, indent=1))
    else:
        _show_ids(ids)
        _show_answers(answers, clips)


def ids_of(seconds: int) -> dict[str, Any]:
    """One video at 30 frames per second and 720p: last time id, and first id of the text after."""
    config, frames = SHAPES["7b"], smart_nframes(seconds * FPS, FPS)
    low = MIN_TOKENS * TOKEN_PIXELS
    high = frame_pixels(frames, min_pixels=low, total_pixels=BUDGET * TOKEN_PIXELS)
    height, width = smart_resize(*SOURCE, min_pixels=low, max_pixels=high)
    rows, interval_s = frames // 2, 2 * seconds / frames
    grid = Grid(rows, height // 14, width // 14)
    video = [config.video_token_id] * grid.tokens(config.vision)
    prompt, run = [0] * BEFORE + video + [0], VisionRun(grid, uniform_rows(rows, interval_s))
    found: dict[str, Any] = {"seconds": seconds, "rows": rows, "interval_s": interval_s}
    for mode in MODES:
        positions = position_ids(prompt, [run], config, mode=mode)
        found[mode] = {"last_time": int(positions[0, -2]), "text": int(positions[0, -1])}
    return found


def measured(clips: int) -> Iterator[dict[str, Any]]:
    """Figures of nano under every rule, interval by interval."""
    folder = weights_folder()
    model = load_model(folder).eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    askers = {mode: Asker(model, tokenizer, time_rule=mode) for mode in MODES}
    for interval_s in INTERVALS_S:
        answers = answers_of(askers, interval_s, clips)
        for mode, given in answers.items():
            yield {"interval_s": interval_s, "mode": mode, **figures(given)}
        print(f"{interval_s:g} s per row: done", file=sys.stderr, flush=True)


def answers_of(
    askers: Mapping[Mode, Asker], interval_s: float, clips: int
) -> dict[Mode, list[Answered]]:
    """Two questions about things that happen and one about one that does not, for each clip."""
    answers: dict[Mode, list[Answered]] = {mode: [] for mode in askers}
    for index in range(clips):
        story = story_of("held_out", index, "short")
        times = frame_times(story.duration_s, 2 / interval_s)
        times += times[-1:] * (len(times) % 2)
        frames = draw_frames(story, times, SIDE, oversample=4)
        events = seen_events(story, whole_window(story))
        queries = choose_queries(story, 2, 1, np.random.default_rng([9, index]))
        for mode, asker in askers.items():
            watched = asker.watch(frames, uniform_rows(len(times) // 2, interval_s))
            for query in queries:
                asked = ground(query, events)
                answer = read_spans(asker.ask(watched, asked.text))
                name = canonical(query.kind, query.colour)
                row = Answered(index, story.duration_s, name, asked.spans, answer)
                answers[mode].append(row)
    return answers


def figures(answers: Sequence[Answered]) -> dict[str, Figure]:
    """Overlap and recall, and how far the answered times are from the true ones, in seconds.

    Times are compared where one thing happens once and is answered with one span: its middle.
    """
    kept = summary(answers)
    both = [a for a in answers if len(a.truth) == len(a.answer) == 1]
    shifts = [(a.clip, sum(a.answer[0]) / 2 - sum(a.truth[0]) / 2) for a in both]
    return {
        **{name: kept[name] for name in ("mIoU", "R@0.5", "present called absent")},
        "shift_s": mean_of(shifts),
        "distance_s": mean_of([(clip, abs(shift)) for clip, shift in shifts]),
    }


def _jsonable(row: dict[str, Any]) -> dict[str, Any]:
    def plain(value: object) -> object:
        if not isinstance(value, Figure):
            return value
        bounds = [round(x, 3) for x in (value.value, value.low, value.high)]
        return dict(zip(("value", "low", "high"), bounds, strict=True)) | {"count": value.count}

    return {name: plain(value) for name, value in row.items()}


def _show_ids(ids: Sequence[dict[str, Any]]) -> None:
    table = Table(
        "video", "rows", "s per row", *MODES, title="last time id -> first id of the text after"
    )
    for row in ids:
        pairs = (f"{row[mode]['last_time']} -> {row[mode]['text']}" for mode in MODES)
        table.add_row(f"{row['seconds']} s", str(row["rows"]), f"{row['interval_s']:g}", *pairs)
    Console(width=110, highlight=False).print(table)


def _show_answers(answers: Sequence[dict[str, Any]], clips: int) -> None:
    names = [name for name in answers[0] if name not in ("interval_s", "mode")]
    table = Table("s per row", "rule", *names, title=f"nano, {clips} held-out clips, 95 %")
    for row in answers:
        cells = (
            f"{row[name]['value']:.2f} [{row[name]['low']:.2f}, {row[name]['high']:.2f}]"
            for name in names
        )
        table.add_row(f"{row['interval_s']:g}", row["mode"], *cells)
    Console(width=130, highlight=False).print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="20 clips: under a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--clips", type=int, help="held-out clips (default 200, quick 20)")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
