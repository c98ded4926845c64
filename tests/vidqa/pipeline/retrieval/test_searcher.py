"""Hits of an archive: which, in which order, on which page, and when a search is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.vidqa.pipeline.retrieval.shelf import Sought, searcher_of, shelve
from vidqa.archive.records import Filter
from vidqa.archive.store import Store, open_store
from vidqa.errors import ArchiveError, QueryError
from vidqa.pipeline.retrieval.queries import Like, Picture, Words
from vidqa.pipeline.retrieval.search_options import SearchOptions
from vidqa.search_results import SearchResult


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "archive.db") as opened:
        yield opened


def search(store: Store, query: Any = None, **how: Any) -> SearchResult:
    return searcher_of(store).search(query or Words("door"), Sought(), SearchOptions(**how))


def told(result: SearchResult) -> list[tuple[str, float, float]]:
    return [(hit.video.name, hit.span.start_s, hit.span.end_s) for hit in result.hits]


def test_the_best_comes_first_and_neighbours_are_one(store: Store) -> None:
    shelve(store, "a", [0.1, 0.8, 0.82, 0.1])
    shelve(store, "b", [0.9])
    result = search(store)
    assert told(result)[:2] == [("b.mp4", 0, 8), ("a.mp4", 4, 16)]
    assert result.hits[0].score == pytest.approx(0.9, abs=1e-3)
    assert (result.scope.videos, result.scope.clips, result.scope.ranked) == (2, 5, 5)
    assert result.hits[0].found_by == ("vector",)


def test_words_that_are_said_lift_a_clip_and_are_told(store: Store) -> None:
    shelve(store, "a", [0.9])
    shelve(store, "b", [0.5], lines={3.0: "Close the door!"})
    hits = search(store).hits
    assert [(hit.video.name, hit.found_by) for hit in hits] == [
        ("b.mp4", ("vector", "text")),
        ("a.mp4", ("vector",)),
    ]
    assert hits[0].lines == ("Close the door!",)


def test_words_find_a_clip_that_is_not_among_the_nearest(store: Store) -> None:
    shelve(store, "a", [0.9, 0.9])
    shelve(store, "b", [0.1], lines={3.0: "door"})
    hits = search(store, pool=2).hits
    assert ("b.mp4", ("text",)) in [(hit.video.name, hit.found_by) for hit in hits]
    by_name = {hit.video.name: hit for hit in hits}
    assert by_name["b.mp4"].score == pytest.approx(0.1, abs=1e-3)


def test_a_least_score_drops_what_likeness_alone_found(store: Store) -> None:
    shelve(store, "a", [0.9])
    shelve(store, "b", [0.2])
    shelve(store, "c", [0.2], lines={3.0: "door"})
    assert {name for name, *_ in told(search(store, min_score=0.5))} == {"a.mp4", "c.mp4"}


def test_filters_say_which_videos_count(store: Store) -> None:
    shelve(store, "a", [0.9], tags=("night",))
    shelve(store, "b", [0.8], archive="work")
    result = search(store, where=Filter(tags=("night",)))
    assert told(result) == [("a.mp4", 0, 8)]
    assert (result.scope.videos, result.scope.clips) == (1, 1)
    assert told(search(store, where=Filter(archives=("work",)))) == [("b.mp4", 0, 8)]
    none = search(store, where=Filter(path="*/none/*"))
    assert (none.outcome, none.hits) == ("not_found", ())


def test_grouped_by_video_each_has_its_best_hit(store: Store) -> None:
    shelve(store, "a", [0.9, 0.1, 0.1, 0.8])
    shelve(store, "b", [0.7])
    result = search(store, by_video=True)
    assert [(hit.video.name, hit.more) for hit in result.hits] == [("a.mp4", 1), ("b.mp4", 0)]


def test_copies_are_told_of_the_best_one(store: Store) -> None:
    shelve(store, "a", [0.9], grey=90, other=1)
    shelve(store, "b", [0.9], grey=91, other=1)
    shelve(store, "c", [0.9], grey=200, other=1)
    result = search(store)
    assert [hit.video.name for hit in result.hits] == ["a.mp4", "c.mp4"]
    assert [each.video.name for each in result.hits[0].also_in] == ["b.mp4"]
    assert len(search(store, alike=2.0).hits) == 3


def test_the_same_bytes_in_two_collections_are_one_hit(store: Store) -> None:
    shelve(store, "a", [0.9], digest="sha256:x")
    shelve(store, "b", [0.9], digest="sha256:x", archive="work", other=9)
    (hit,) = search(store).hits
    assert [each.score for each in hit.also_in] == [1.0]


def test_pages_hold_every_hit_once(store: Store) -> None:
    for k in range(7):
        shelve(store, f"v{k}", [0.9 - k / 20], grey=30 * k)
    whole = told(search(store, limit=100))
    seen, token = [], None
    while True:
        page = search(store, limit=3, page_token=token)
        seen += told(page)
        token = page.next_page
        if token is None:
            break
    assert seen == whole
    assert [hit.rank for hit in search(store, limit=3, offset=3).hits] == [4, 5, 6]


def test_a_page_of_an_archive_that_changed_says_so(store: Store) -> None:
    shelve(store, "a", [0.9])
    shelve(store, "b", [0.8])
    token = search(store, limit=1).next_page
    shelve(store, "c", [0.7])
    assert "changed since the first page" in search(store, limit=1, page_token=token).notes[0]


def test_more_like_a_clip_leaves_the_clip_itself_out(store: Store) -> None:
    shelve(store, "a", [0.9, 0.9, 0.1, 0.1, 0.9])
    shelve(store, "b", [0.9])
    result = searcher_of(store).search(Like("a.mp4@3"), None)
    assert ("a.mp4", 0.0, 8.0) not in told(result)
    assert result.kind == "clip"
    clip_id = result.hits[0].clip_id
    assert searcher_of(store).search(Like(str(clip_id)), None).hits


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("z.mp4@3", "video_not_indexed"),
        ("a.mp4@soon", "like_unreadable"),
        ("a.mp4@900", "like_outside"),
        ("99999", "clip_unknown"),
    ],
)
def test_a_clip_that_is_not_there_is_told(store: Store, text: str, code: str) -> None:
    shelve(store, "a", [0.9])
    with pytest.raises(QueryError) as caught:
        searcher_of(store).search(Like(text), None)
    assert caught.value.code == code


def test_a_picture_is_sought(store: Store, tmp_path: Path) -> None:
    shelve(store, "a", [0.9], lines={3.0: "door"})
    Image.new("RGB", (32, 24)).save(tmp_path / "door.png")
    (hit,) = search(store, Picture(tmp_path / "door.png")).hits
    assert hit.found_by == ("vector",)


def test_another_model_is_refused_and_the_right_one_named(store: Store) -> None:
    shelve(store, "a", [0.9])
    with pytest.raises(ArchiveError, match="stub@sha256:0") as caught:
        searcher_of(store).search(Words("door"), Sought(name="new@sha256:1"))
    assert caught.value.code == "model_mismatch"
    assert "--model stub" in caught.value.next_step
    with pytest.raises(ArchiveError) as caught:
        searcher_of(store).search(Words("door"), Sought(recipe="other"))
    assert caught.value.code == "recipe_mismatch"


def test_the_old_vectors_answer_while_new_ones_are_made(store: Store) -> None:
    shelve(store, "a", [0.9])
    shelve(store, "b", [0.5], model="new@sha256:1")
    finder = searcher_of(store)
    assert told(finder.search(Words("door"), Sought())) == [("a.mp4", 0, 8)]
    with pytest.raises(ArchiveError, match="cover 1 of 2 videos"):
        finder.search(Words("door"), Sought(name="new@sha256:1"))
    store.serve(store.generations()[1].id)
    assert told(finder.search(Words("door"), Sought(name="new@sha256:1"))) == [("b.mp4", 0, 8)]


def test_an_empty_archive_says_what_to_do(store: Store) -> None:
    with pytest.raises(ArchiveError, match="nothing is indexed") as caught:
        search(store)
    assert caught.value.code == "archive_empty"


def test_a_deleted_video_is_no_hit_in_the_next_search(store: Store) -> None:
    video = shelve(store, "a", [0.9])
    shelve(store, "b", [0.5])
    finder = searcher_of(store)
    assert len(finder.search(Words("door"), Sought()).hits) == 2
    store.delete_video(video.id)
    assert told(finder.search(Words("door"), Sought())) == [("b.mp4", 0, 8)]


def test_blank_words_are_refused(store: Store) -> None:
    shelve(store, "a", [0.9])
    with pytest.raises(QueryError):
        search(store, Words("  "))


def test_a_result_is_plain_json(store: Store) -> None:
    shelve(store, "a", [0.9])
    shown = search(store).to_dict()
    hit = shown["hits"][0]  # type: ignore[index]
    assert {"video", "start", "end", "start_tc", "end_tc", "score", "found_by", "clip"} <= set(hit)
    assert hit["video"]["path"] == "/films/a.mp4"
    assert hit["video"]["there"] is False


def crowded(store: Store) -> None:
    """Twenty clips that are alike, near to every query, and two of another kind."""
    for number in range(10):
        shelve(store, f"quiet{number}", [0.8, 0.8], other=1, grey=20 * number)
    shelve(store, "event", [0.79, 0.1], other=2)
    generation = store.serving()
    assert generation is not None
    store.set_mean(generation.id, store.measure_mean(generation.id))


def test_what_most_clips_share_finds_none_of_them(store: Store) -> None:
    crowded(store)
    hits = search(store).hits
    assert hits[0].video.name == "event.mp4"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_picture_is_searched_for_as_it_is(store: Store, tmp_path: Path) -> None:
    crowded(store)
    Image.new("RGB", (8, 8)).save(tmp_path / "sought.png")
    hits = search(store, Picture(tmp_path / "sought.png")).hits
    assert hits[0].video.name.startswith("quiet")
    assert hits[0].score == pytest.approx(0.8, abs=1e-3)
