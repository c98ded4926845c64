from __future__ import annotations

import pytest

from tests.vidqa.archive.store.drawn import a_line, claimed, entered
from vidqa.archive.records import Filter
from vidqa.archive.store import Store
from vidqa.archive.words import fold
from vidqa.timeline import Span


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The DOOR's open!", ["the", "door", "s", "open"]),
        ("Ça déjà-vu  Straße", ["ca", "deja", "vu", "strasse"]),
        ("snake_case 3.5", ["snake", "case", "3", "5"]),
        ("ドアが開く", ["ド", "ア", "が", "開", "く"]),
        ("문이 열린다", ["문이", "열린다"]),
        ("दरवाज़ा खुला", ["दरवाज़ा", "खुला"]),
        ("שָׁלוֹם", ["שלום"]),
        ("?!", []),
    ],
)
def test_words_are_told_apart_without_case_and_accents(text: str, words: list[str]) -> None:
    assert fold(text) == words


def test_folding_twice_changes_nothing() -> None:
    for text in ("Ｆｕｌｌ ﬁ ガ Ǆ İ", "Ångström ½ ①"):
        once = fold(text)
        assert fold(" ".join(once)) == once


@pytest.fixture
def talk(store: Store) -> int:
    """A video in which something is said."""
    video = entered(store)
    store.add_lines(
        claimed(store, video),
        [
            a_line(0, "Who opened the door?"),
            a_line(5, "Nobody opened anything."),
            a_line(9, "La porte était ouverte, ドアが開く"),
        ],
    )
    return video.id


def found(store: Store, words: str, **options: object) -> list[float]:
    return sorted(f.line.span.start_s for f in store.find_lines(words, **options))  # type: ignore[arg-type]


def test_lines_are_found_by_all_or_any_of_the_words(store: Store, talk: int) -> None:
    assert found(store, "DOOR opened") == [0]
    assert found(store, "opened") == [0, 5]
    assert found(store, "door anything") == []
    assert found(store, "door anything", match="any") == [0, 5]
    assert found(store, "etait") == [9]
    assert found(store, "開く") == [9]
    assert found(store, "ope") == []


def test_a_line_that_holds_more_of_the_words_comes_first(store: Store, talk: int) -> None:
    first, second = store.find_lines("who opened", match="any")
    assert first.line == a_line(0, "Who opened the door?")
    assert first.video_id == talk
    assert first.score > second.score


@pytest.mark.parametrize("words", ["", "?!", " - "])
def test_no_words_find_no_lines(store: Store, talk: int, words: str) -> None:
    assert store.find_lines(words) == []


@pytest.mark.parametrize(
    "words", ['door"', "door*", "words:door", "door'", "door & !", "(door", "door\\"]
)
def test_signs_of_a_query_language_are_no_words(store: Store, talk: int, words: str) -> None:
    assert found(store, words, match="any") == [0]


def test_lines_are_found_among_matching_videos(store: Store, talk: int) -> None:
    assert found(store, "door", where=Filter(archives=["home"])) == [0]
    assert found(store, "door", where=Filter(archives=["work"])) == []
    assert len(store.find_lines("opened", limit=1)) == 1


def test_a_track_is_replaced_and_others_stay(store: Store, talk: int) -> None:
    claim = claimed(store, entered(store, "second"))
    store.add_lines(claim, [a_line(1, "old words")], "en")
    store.add_lines(claim, [a_line(2, "alte Worte")], "de")
    store.add_lines(claim, [a_line(3, "new words")], "en")
    assert store.lines_of(claim.video_id) == [a_line(2, "alte Worte"), a_line(3, "new words")]
    assert found(store, "words") == [3]
    assert found(store, "worte") == [2]
    assert store.check() == []


def test_lines_within_a_span_are_those_that_overlap_it(store: Store, talk: int) -> None:
    assert [line.span for line in store.lines_of(talk, Span(2, 6))] == [Span(5, 7)]
