from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.vidqa.archive.store.drawn import a_clip, a_generation, claimed, entered, indexed
from vidqa.archive.records import Claim, Held
from vidqa.archive.store import Store, open_store

ROOT = Path(__file__).resolve().parents[2]


def adding(place: str, name: str, count: int, pause_s: float = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.vidqa.archive.store.adding",
            place,
            name,
            str(count),
            str(pause_s),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_two_processes_add_at_once_and_a_reader_sees_whole_changes(place: str) -> None:
    writers = [adding(place, name, 12) for name in ("one", "two")]
    with open_store(place) as store:
        source = store.source(a_generation(store).id)
        while any(writer.poll() is None for writer in writers):
            before = source.last_seq()
            seen = source.changes_after(0, 1_000)
            assert [change.seq for change in seen] == list(range(1, len(seen) + 1))
            assert len(seen) >= before
            assert sum(len(block.ids_N) for block in source.blocks()) >= len(seen)
        assert [writer.wait(60) for writer in writers] == [0, 0]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.close()
        assert source.last_seq() == source.count() == 24
        assert [v.state for v in store.videos()] == ["ready", "ready"]
        assert store.check() == []


def test_a_killed_writer_leaves_what_it_committed_and_its_claim_runs_out(place: str) -> None:
    writer = adding(place, "door", 10_000, 0.001)
    assert writer.stdout is not None
    with writer.stdout as told:
        committed = [int(next(told)) for _ in range(3)]
        writer.kill()
        committed += [int(line) for line in told]
    writer.wait(60)
    with open_store(place) as store:
        (video,) = store.videos()
        generation = a_generation(store)
        done = store.clips_done(video.id, generation.id)
        assert done >= set(committed)
        assert done == set(range(len(done)))
        claim = store.claim(video.id, "next", 60)
        while isinstance(claim, Held):
            time.sleep(claim.left_s)
            claim = store.claim(video.id, "next", 60)
        assert claim.fence == 2
        store.add_clips(claim, generation.id, [a_clip(n) for n in range(len(done) + 2)])
        assert store.source(generation.id).last_seq() == len(done) + 2
        assert store.check() == []


def test_of_many_who_claim_at_once_one_gets_it(store: Store) -> None:
    video = entered(store)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: store.claim(video.id, f"holder {n}", 60), range(8)))
    assert sum(isinstance(answer, Claim) for answer in answers) == 1


def test_one_content_entered_at_once_from_many_sides_is_one_video(store: Store) -> None:
    with ThreadPoolExecutor(6) as pool:
        videos = list(pool.map(lambda _: entered(store), range(6)))
    assert len({video.id for video in videos}) == 1
    assert store.check() == []


def test_a_generation_asked_for_at_once_from_many_sides_is_one(store: Store) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda n: a_generation(store, f"model {n % 2}"), range(6)))
    assert len({generation.id for generation in made}) == 2
    assert sorted(g.state for g in store.generations()) == ["building", "serving"]


def test_numbers_rise_in_the_order_of_commits(store: Store) -> None:
    """A reader that follows the log while others write never has a number appear behind it."""
    generation = a_generation(store)
    claims = [claimed(store, entered(store, f"v{n}")) for n in range(4)]
    source, ended, seen = store.source(generation.id), threading.Event(), [0]

    def follow() -> None:
        while not ended.is_set() or source.last_seq() > seen[-1]:
            seen.extend(change.seq for change in source.changes_after(seen[-1], 7))

    def write(claim: Claim) -> None:
        for number in range(12):
            store.add_clips(claim, generation.id, [a_clip(2 * number), a_clip(2 * number + 1)])

    with ThreadPoolExecutor(5) as pool:
        follower = pool.submit(follow)
        list(pool.map(write, claims))
        ended.set()
        follower.result(60)
    assert seen == list(range(97))


def test_deleting_and_adding_at_once_leaves_nothing_half(store: Store) -> None:
    indexed(store, "kept")
    generation = a_generation(store)
    videos = [entered(store, f"v{n}") for n in range(4)]
    claims = [claimed(store, video) for video in videos]

    def add(claim: Claim) -> None:
        store.add_clips(claim, generation.id, [a_clip(n) for n in range(20)])

    with ThreadPoolExecutor(4) as pool:
        added = [pool.submit(add, claim) for claim in claims]
        deleted = [pool.submit(store.delete_video, video.id) for video in videos]
    assert all(future.exception() is None for future in deleted)
    assert {type(f.exception()).__name__ for f in added} <= {"NoneType", "ClaimLost"}
    assert store.source(generation.id).count() == 3
    assert [store.copies(f"sha256:v{n}") for n in range(4)] == [0] * 4
    assert store.check() == []


def test_a_block_reader_sees_one_moment(store: Store) -> None:
    video, generation = entered(store), a_generation(store)
    claim = claimed(store, video)
    store.add_clips(claim, generation.id, [a_clip(n) for n in range(4_100)])
    blocks = store.source(generation.id).blocks()
    first = next(blocks)
    store.add_clips(claim, generation.id, [a_clip(4_100)])
    rest = [len(block.ids_N) for block in blocks]
    assert (len(first.ids_N), rest) == (4_096, [4])


def test_a_forked_process_opens_connections_of_its_own(store: Store) -> None:
    video = entered(store)
    store.add_tags(video.id, "before")
    child = multiprocessing.get_context("fork").Process(
        target=store.add_tags, args=(video.id, "child")
    )
    child.start()
    child.join(60)
    assert child.exitcode == 0
    store.add_tags(video.id, "parent")
    assert store.video(video.id).tags == ("before", "child", "parent")
