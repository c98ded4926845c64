"""A second question about a video of ten minutes, against the first.

``python -m benchmarks.remember`` writes a video of nano's world, asks nano and a decoder of about
100 M random parameters behind nano's tower, and removes what it wrote. Another question each time:
the first with nothing kept; one as a fresh process asks it, which finds the vision tokens on disk;
one in the same session, which finds the video's keys and values too. Loading is not counted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.decoder import decoder_config
from qwen25vl import ModelConfig, Qwen25VL, load_config, load_stop_ids, save_model
from qwen25vl.counting import parameters
from vidqa.cache import CacheFolder, RowStore
from vidqa.checkpoints import Checkpoint, find_checkpoint, nano_folder
from vidqa.engine import Engine, open_engine
from vidqa.pipeline.context import Context
from vidqa.pipeline.ground import ground, ground_many
from vidqa.pipeline.planning import Sampling
from vidqa.prefixes import PrefixMemory
from vidqa.provenance import Provenance
from vidqa.video import KnownFiles
from vidqa_nano.needle import main as write_needles

FIRST, KEPT, BEHIND = "first", "vision tokens cached", "prefix cached"
Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}
WORD, ANSWER = "first token", "answer"
WHAT = (WORD, ANSWER)
WANTED = {KEPT: 5.0, BEHIND: 20.0}
QUESTIONS = (
    "person opens door",
    "ball bounces",
    "car stops",
    "light turns on",
    "it starts to rain",
)
REPLY_TOKENS = 16
"""Of the random decoder, which never ends by itself; about what a span takes."""
ALL, QUICK = 24_576, 2_048
"""Most vision tokens of the random decoder's look, unless said."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model that is asked, and how it looks."""

    name: str
    checkpoint: Checkpoint
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Asked:
    """Seconds to the first token and to the whole answer, and what the answer tells of itself."""

    seconds: dict[str, float]
    told: Provenance


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    folder = Path(tempfile.mkdtemp(prefix="remember-"))
    try:
        film = options.film or folder / "ten-minutes.mp4"
        if not film.exists():
            write_needles([str(film), "--hours", str(10 / 60), "--needles", "5"])
        rows = [
            measure(subject, film, folder, options.rounds, CLOCKS[options.clock])
            for subject in _subjects(folder, QUICK if options.quick else options.tokens)
            if subject.name.startswith(options.only)
        ]
    finally:
        shutil.rmtree(folder)
    document = {
        "clock": options.clock,
        "threads": options.threads,
        "rounds": options.rounds,
        "rows": rows,
    }
    print(json.dumps(document, indent=2)) if options.json else _show(document)


def measure(
    subject: Subject, film: Path, folder: Path, rounds: int, clock: Clock
) -> dict[str, Any]:
    """Medians of seconds and of ratios, the stages of the last round, and a batch of questions."""
    engine = open_engine(subject.checkpoint, device="cpu", prefixes=PrefixMemory(4 << 30))
    turns = [
        dict(_turn(engine, subject, film, folder / f"{subject.name}-{k}", clock, k))
        for k in range(rounds)
    ]
    told = turns[-1][FIRST].told
    return {
        "model": subject.name,
        "parameters": parameters(load_config(subject.checkpoint.folder)),
        "frames": told.passes[0].frames,
        "video_tokens": told.passes[0].video_tokens,
        "seconds": {
            name: {what: _median(turn[name].seconds[what] for turn in turns) for what in WHAT}
            for name in (FIRST, KEPT, BEHIND)
        },
        "ratios": {
            name: {
                what: _median(
                    turn[FIRST].seconds[what] / turn[name].seconds[what] for turn in turns
                )
                for what in WHAT
            }
            for name in WANTED
        },
        "wanted": WANTED,
        "stages": {name: _rounded(asked.told) for name, asked in turns[-1].items()},
        "a_question_of_batch": round(_batch(engine, subject, film, folder, clock), 4),
    }


def _turn(
    engine: Engine, subject: Subject, film: Path, cache: Path, clock: Clock, turn: int
) -> Iterator[tuple[str, Asked]]:
    """The three ways to ask, with what each found as a check.

    Replies differ in length by question: over five turns, each way asks each of them.
    """
    engine.prefixes.clear()
    states = {FIRST: ("miss", "miss"), KEPT: ("hit", "miss"), BEHIND: ("hit", "hit")}
    ctx = _context(engine, subject, cache)
    for k, (name, state) in enumerate(states.items()):
        if name == KEPT:
            engine.prefixes.clear()
            ctx = _context(engine, subject, cache)
        asked = _ask(film, QUESTIONS[(k + turn) % len(QUESTIONS)], ctx, clock)
        found = (asked.told.cache["features"], asked.told.cache["prefix"])
        if found != state:
            raise AssertionError(f"{name}: the caches say {found}, not {state}")
        yield name, asked


def _ask(film: Path, question: str, ctx: Context, clock: Clock) -> Asked:
    begin_s, first_s = clock(), []

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "text" and done == 1:
            first_s.append(clock() - begin_s)

    told = ground(film, question, replace(ctx, progress=progress)).provenance
    return Asked({WORD: first_s[0], ANSWER: clock() - begin_s}, told)


def _batch(engine: Engine, subject: Subject, film: Path, folder: Path, clock: Clock) -> float:
    """Seconds for each of several questions asked at once about a video at hand."""
    ctx = _context(engine, subject, folder / "batch")
    ground(film, QUESTIONS[0], ctx)
    begin_s = clock()
    ground_many(film, QUESTIONS, ctx)
    return (clock() - begin_s) / len(QUESTIONS)


def _context(engine: Engine, subject: Subject, cache: Path) -> Context:
    """As of a process that never asked before."""
    store = RowStore(CacheFolder(cache, 10 << 30))
    files = KnownFiles()
    return Context(engine=engine, sampling=subject.sampling, features=store, files=files)


def _subjects(folder: Path, tokens: int) -> list[Subject]:
    nano, random = find_checkpoint("nano"), _random_checkpoint(folder / "random")
    profile = replace(random.profile, ground_tokens=REPLY_TOKENS)
    random = replace(random, profile=profile)
    limited = profile.budget.limited(frames=768, video_tokens=tokens)
    return [
        Subject("nano", nano, Sampling(budget=nano.profile.budget, grid=nano.grid)),
        Subject("random, 100 M", random, Sampling(budget=limited, grid=random.grid)),
    ]


def _random_checkpoint(folder: Path) -> Checkpoint:
    """nano's tower and tokenizer before the decoder of :mod:`benchmarks.decoder`, at random."""
    folder.mkdir()
    source = nano_folder()
    torch.manual_seed(0)
    model = Qwen25VL(_random_config(load_config(source)))
    save_model(model, folder, stop_ids=load_stop_ids(source), tokenizer=source / "tokenizer.json")
    return find_checkpoint(str(folder))


def _random_config(nano: ModelConfig) -> ModelConfig:
    decoder = decoder_config(nano.vision)
    text = replace(decoder.text, vocab_size=nano.text.vocab_size)
    return replace(nano, vision=decoder.vision, text=text)


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 4)


def _rounded(told: Provenance) -> dict[str, float]:
    return {name: round(value, 4) for name, value in told.timings.items()}


def _show(document: dict[str, Any]) -> None:
    table = Table(title=f"ten minutes of video, {document['threads']} threads, {document['clock']}")
    columns = ("model", "frames / tokens", "question", "until", "s", "first / this", "wanted")
    for column in columns:
        table.add_column(column)
    for row in document["rows"]:
        head = (row["model"], f"{row['frames']} / {row['video_tokens']}")
        for name, seconds in row["seconds"].items():
            for what, value in seconds.items():
                judged = ("", "")
                if name in WANTED:
                    judged = (f"{row['ratios'][name][what]:.1f}", f">= {WANTED[name]:g}")
                table.add_row(*head, name, what, f"{value:.3f}", *judged)
                head = ("", "")
        batch = f"{row['a_question_of_batch']:.3f}"
        table.add_row(*head, "one of a batch of five", ANSWER, batch, "", "")
    Console().print(table)
    for row in document["rows"]:
        print(row["model"], json.dumps(row["stages"]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A second question against the first.")
    parser.add_argument("--quick", action="store_true", help="a small look of the random decoder")
    parser.add_argument("--tokens", type=int, default=ALL, help="of the random decoder's look")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: of all threads, on a busy machine"
    )
    parser.add_argument("--film", type=Path, help="the video; written there when it is not")
    parser.add_argument("--only", choices=("nano", "random"), default="", help="one of the models")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="torch threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
