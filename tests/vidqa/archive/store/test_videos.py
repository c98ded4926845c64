from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.vidqa.archive.store.drawn import a_location, entered, indexed, some_facts
from vidqa.archive.records import Filter, Location, Video
from vidqa.archive.store import Store
from vidqa.errors import ArchiveError

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


def test_a_video_comes_back_as_it_was_entered(store: Store) -> None:
    facts = some_facts(recorded_at=NOON)
    entered_video = store.enter("home", "sha256:1", a_location(), facts, ["monday", "door"])
    expected = Video(
        id=entered_video.id,
        digest="sha256:1",
        archive="home",
        facts=facts,
        tags=("door", "monday"),
        state="indexing",
        reason=None,
        locations=(a_location(),),
    )
    assert entered_video == expected
    assert store.video(entered_video.id) == expected
    assert store.by_digest("home", "sha256:1") == expected
    assert store.by_digest("other", "sha256:1") is None


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1969, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001
        datetime(2026, 3, 2, 12, 0, 0, 1),  # noqa: DTZ001
        NOON,
    ],
)
def test_a_time_of_recording_keeps_its_microseconds_and_whether_it_had_a_zone(
    store: Store, moment: datetime
) -> None:
    video = store.enter("home", "sha256:1", a_location(), some_facts(recorded_at=moment))
    assert video.facts is not None
    assert video.facts.recorded_at == moment


def test_a_zone_becomes_utc(store: Store) -> None:
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    facts = store.enter("home", "sha256:1", a_location(), some_facts(recorded_at=there)).facts
    assert facts is not None
    assert str(facts.recorded_at) == "2026-03-02 12:00:00+00:00"


def test_entering_bytes_that_are_known_adds_the_place_and_the_tags_alone(store: Store) -> None:
    first = store.enter("home", "sha256:1", a_location("/a"), some_facts(), ["x"])
    again = store.enter("home", "sha256:1", a_location("/b"), some_facts(duration_s=1), ["y"])
    assert again.id == first.id
    assert again.facts == first.facts
    assert again.tags == ("x", "y")
    assert [place.url for place in again.locations] == ["/a", "/b"]


def test_facts_may_come_later(store: Store) -> None:
    assert store.enter("home", "sha256:1", a_location()).facts is None
    assert store.enter("home", "sha256:1", a_location(), some_facts()).facts == some_facts()


def test_one_content_in_two_archives_is_two_videos(store: Store) -> None:
    assert entered(store, archive="home").id != entered(store, archive="work").id


def test_a_file_is_found_unchanged_by_place_size_and_time(store: Store) -> None:
    video = store.enter("home", "sha256:1", a_location("/a", size=5, modified_ns=2**62))
    assert store.found("home", "/a", 5, 2**62) == video
    assert store.found("home", "/a", 6, 2**62) is None
    assert store.found("home", "/a", 5, 2**62 - 1) is None
    assert store.found("home", "/b", 5, 2**62) is None
    assert store.found("work", "/a", 5, 2**62) is None


def test_a_file_whose_time_nobody_tells_is_never_unchanged(store: Store) -> None:
    store.enter("home", "sha256:1", a_location("/a", modified_ns=0))
    assert store.found("home", "/a", 100, 0) is None


def test_a_moved_video_keeps_its_clips(store: Store) -> None:
    video = indexed(store)
    assert store.unplace("home", "/films/door.mp4") == video.id
    assert store.place(video.id, a_location("/elsewhere.mp4")) is None
    moved = store.video(video.id)
    assert moved.locations == (a_location("/elsewhere.mp4"),)
    assert len(store.clip_ids()) == 3


def test_a_place_tells_which_video_it_was_taken_from(store: Store) -> None:
    old, new = entered(store, "old"), entered(store, "new")
    taken = Location(url="/films/old.mp4", size=9, modified_ns=9)
    assert store.place(new.id, taken) == old.id
    assert store.place(new.id, taken) is None
    assert store.video(old.id).locations == ()
    assert store.found("home", "/films/old.mp4", 9, 9) == store.video(new.id)


def test_nothing_to_unplace_is_said(store: Store) -> None:
    assert store.unplace("home", "/nowhere") is None


def test_tags_come_and_go(store: Store) -> None:
    video = entered(store)
    store.add_tags(video.id, "b", "a", "b")
    store.add_tags(video.id, "a")
    assert store.video(video.id).tags == ("a", "b")
    store.remove_tags(video.id, "a", "never")
    assert store.video(video.id).tags == ("b",)


def test_videos_come_in_pages(store: Store) -> None:
    ids = [entered(store, f"v{i}").id for i in range(5)]
    first = store.videos(limit=2)
    rest = store.videos(after=first[-1].id, limit=10)
    assert [video.id for video in first + rest] == ids


def test_filters_choose_videos(store: Store) -> None:
    def enter(name: str, url: str, hour: int | None, duration_s: float, *tags: str) -> int:
        at = None if hour is None else NOON.replace(hour=hour)
        facts = some_facts(duration_s=duration_s, recorded_at=at)
        return store.enter("home", name, a_location(url), facts, tags).id

    a = enter("a", "/cam/monday/1.mp4", 9, 10, "door", "day")
    b = enter("b", "/cam/monday/2[x].mp4", 10, 20, "door")
    c = enter("c", "/cam/Tuesday/a+b.mp4", None, 30)
    d = store.enter("work", "d", a_location("/cam/monday/1.mp4")).id

    def chosen(where: Filter) -> list[int]:
        return [video.id for video in store.videos(where)]

    assert chosen(Filter()) == [a, b, c, d]
    assert chosen(Filter(archives=["work", "none"])) == [d]
    assert chosen(Filter(tags=["door"])) == [a, b]
    assert chosen(Filter(tags=["door", "day"])) == [a]
    assert chosen(Filter(path="*/monday/*")) == [a, b, d]
    assert chosen(Filter(path="*/MONDAY/*")) == []
    assert chosen(Filter(path="monday")) == []
    assert chosen(Filter(path="/cam/*/?.mp4")) == [a, d]
    assert chosen(Filter(path="*[[]x].mp4")) == [b]
    assert chosen(Filter(path="/cam/[!m]*/a+b.mp4")) == [c]
    assert chosen(Filter(recorded_from=NOON.replace(hour=10))) == [b]
    assert chosen(Filter(recorded_until=NOON.replace(hour=10, tzinfo=None))) == [a]
    assert chosen(Filter(shortest_s=20)) == [b, c]
    assert chosen(Filter(longest_s=20, archives=["home"])) == [a, b]
    assert chosen(Filter(states=["ready"])) == []
    assert chosen(Filter(states=["ready", "indexing"], tags=["day"])) == [a]


def test_a_video_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(ArchiveError, match="no video 99") as caught:
        store.video(99)
    assert caught.value.code == "video_unknown"
    for call in (store.add_tags, store.remove_tags):
        with pytest.raises(ArchiveError, match="no video 99"):
            call(99, "x")
    with pytest.raises(ArchiveError, match="no video 99"):
        store.place(99, a_location())
