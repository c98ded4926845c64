"""Writers of an index that are killed while they write."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.plain_source import PlainSource
from vidqa.archive.vectors.kinds import Sizes
from vidqa.archive.vectors.local import FaissIndex

ALWAYS = Sizes(tail_least=-1, tail_share=-1)
"""Every call of settle writes."""


def write_for_ever(source: PlainSource, folder: Path, ready: Connection) -> None:
    """In a child: writes the index again and again."""
    own = PlainSource(source.path, source.dimension, source.name)
    index = FaissIndex(folder, own, ALWAYS)
    ready.send(True)
    while True:
        index.settle()


def kill_a_writer(source: PlainSource, folder: Path, rng: random.Random, most_s: float) -> bool:
    """Start a writer and kill it within ``most_s`` seconds; whether it left something half done."""
    fork = multiprocessing.get_context("fork")
    ready, told = fork.Pipe(duplex=False)
    writer = fork.Process(target=write_for_ever, args=(source, folder, told))
    writer.start()
    ready.recv()
    time.sleep(rng.uniform(0, most_s))
    writer.kill()
    writer.join()
    ready.close()
    told.close()
    return any(folder.glob("*.tmp"))
