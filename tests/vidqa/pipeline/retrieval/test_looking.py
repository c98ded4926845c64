"""Hits looked at again, and the archive asked, by an engine that sees what the clip shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copy

import pytest

from benchmarks.ingest_kills import StubEmbedder
from tests.seeing_engine import seeing
from vidqa.archive.store import open_store
from vidqa.effort import Effort, Halt
from vidqa.errors import ArchiveError, QueryError
from vidqa.pipeline.ingest import ingest
from vidqa.pipeline.ingest_options import IngestOptions
from vidqa.reach import Reach
from vidqa.search_results import SearchResult
from vidqa.session import Session

EVENT = (2.0, 4.0)
WIDE = Reach(one_pass_s=60.0, window_s=30.0, whole=False)


@pytest.fixture
def place(clip: Path, tmp_path: Path) -> Path:
    """An archive of two files: the clip, and the same cut short of its end, which is another."""
    copy(clip, tmp_path / "lamp.mp4")
    path = tmp_path / "archive.db"
    with open_store(path) as store:
        ingest([tmp_path / "lamp.mp4"], store, StubEmbedder(), options=IngestOptions())
    return path


@pytest.fixture
def session(place: Path) -> Iterator[Session]:
    context, _ = seeing(EVENT, reach=WIDE)
    opened = Session(context, str(place))
    yield opened
    opened.close()


def search(session: Session, **how: bool) -> SearchResult:
    return session.search("light turns on", embedder=StubEmbedder(), **how)


def test_a_hit_whose_frames_show_it_is_confirmed(session: Session) -> None:
    result = search(session, verify=True)
    (hit,) = result.hits
    assert hit.verdict is not None
    assert (hit.verdict.decision, hit.verdict.probability) == ("confirmed", 0.9)
    assert (result.outcome, result.scope.looked_at, result.scope.looked_at_videos) == (
        "found",
        1,
        1,
    )


def test_a_hit_whose_frames_do_not_is_denied(place: Path) -> None:
    context, _ = seeing(reach=WIDE)
    session = Session(context, str(place))
    result = search(session, verify=True)
    assert (result.outcome, result.hits[0].denied) == ("not_found", True)
    session.close()


def test_refined_a_hit_has_the_second(session: Session) -> None:
    (hit,) = search(session, verify=True, refine=True).hits
    assert hit.refined == "found"
    assert [(span.start_s, span.end_s) for span in hit.spans] == [EVENT]
    assert hit.segments[0].evidence


def test_a_video_that_is_gone_is_told_of_its_hit(session: Session, place: Path) -> None:
    place.with_name("lamp.mp4").unlink()
    result = search(session, verify=True)
    (hit,) = result.hits
    assert hit.verdict is not None
    assert (hit.verdict.decision, hit.verdict.code) == ("unknown", "video_gone")
    assert (result.outcome, result.scope.looked_at) == ("uncertain", 0)
    assert not hit.video.there


def test_other_bytes_at_the_place_are_not_looked_at(session: Session, place: Path) -> None:
    with place.with_name("lamp.mp4").open("ab") as file:
        file.write(b"\0\0\0\x08free")
    (hit,) = search(session, verify=True).hits
    assert hit.verdict is not None
    assert hit.verdict.code == "video_changed"


def test_a_clip_cannot_be_verified_without_words(session: Session) -> None:
    with pytest.raises(QueryError) as caught:
        session.search(like="lamp.mp4@1", verify=True)
    assert caught.value.code == "verify_without_words"


def test_a_halt_ends_the_looks_and_keeps_the_hits(session: Session) -> None:
    effort = Effort(halt=Halt(asked=True))
    result = session.search("light turns on", embedder=StubEmbedder(), verify=True, effort=effort)
    assert (result.ended_early, len(result.hits)) == ("interrupted", 1)
    assert result.hits[0].verdict is None


def test_how_often_counts_what_was_verified_and_grounded(place: Path) -> None:
    context, _ = seeing((1.0, 2.0), (4.0, 6.0), reach=WIDE)
    session = Session(context, str(place))
    told = session.ask_archive("How often does the light turn on?", embedder=StubEmbedder())
    assert (told.outcome, told.count, told.at_least) == ("found", 2, False)
    assert told.answer == "Twice, in one video."
    (citation,) = told.citations
    assert citation.confirmed
    assert [(s.start_s, s.end_s) for s in citation.hit.spans] == [(1.0, 2.0), (4.0, 6.0)]
    session.close()


def test_whether_and_when_are_answered_with_the_place(session: Session) -> None:
    told = session.ask_archive("Does the light turn on?", embedder=StubEmbedder())
    assert told.answer == "Yes: lamp.mp4 at 00:00:02.000."
    told = session.ask_archive("When does the light turn on?", embedder=StubEmbedder())
    assert told.answer == "lamp.mp4 at 00:00:02.000."


def test_an_open_question_is_answered_and_verified(session: Session) -> None:
    told = session.ask_archive("What turns on?", embedder=StubEmbedder())
    assert (told.outcome, told.answer, told.count) == ("found", "a light", None)
    assert told.citations[0].hit.spans[0].start_s == 2.0
    shown = told.to_dict()
    assert shown["considered"] == {
        "videos": 1,
        "clips": 1,
        "ranked_clips": 1,
        "looked_at": 1,
        "looked_at_videos": 1,
    }


@pytest.mark.parametrize("question", ["How often does it rain?", "What turns on?"])
def test_an_archive_without_the_answer_says_so(place: Path, question: str) -> None:
    context, _ = seeing(reach=WIDE)
    session = Session(context, str(place))
    told = session.ask_archive(question, embedder=StubEmbedder())
    assert (told.outcome, told.citations) == ("not_found", ())
    assert "1 stretches of 1 videos were looked at" in told.answer
    session.close()


def test_what_could_not_be_looked_at_leaves_the_answer_open(session: Session, place: Path) -> None:
    place.with_name("lamp.mp4").unlink()
    told = session.ask_archive("How often does it rain?", embedder=StubEmbedder())
    assert (told.outcome, told.count, told.at_least) == ("uncertain", 0, True)


def test_a_filter_that_matches_nothing_is_no_answer(session: Session) -> None:
    from vidqa.archive.records import Filter

    told = session.ask_archive(
        "What turns on?", embedder=StubEmbedder(), where=Filter(tags=("none",))
    )
    assert (told.outcome, told.scope.videos) == ("not_found", 0)


def test_a_session_without_an_archive_says_what_is_missing(tmp_path: Path) -> None:
    context, _ = seeing()
    with pytest.raises(ArchiveError) as caught:
        Session(context, str(tmp_path / "none.db")).search("door")
    assert caught.value.code == "archive_missing"
    with pytest.raises(ArchiveError):
        Session(replace(context)).search("door")
