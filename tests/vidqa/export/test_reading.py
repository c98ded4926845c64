"""What was written as JSON reads back as the same value, so that it can be exported later."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from vidqa.errors import ExportError
from vidqa.export import EXPORT_FORMATS, export_result
from vidqa.export.hits import export_found
from vidqa.export.reading import is_about_archive, read_found, read_result
from vidqa.hits import Hit, Verdict, VideoRef
from vidqa.provenance import Coverage, Pass, Provenance, VideoFacts
from vidqa.results import (
    AskResult,
    Chapter,
    DescribeResult,
    Evidence,
    GroundResult,
    Mark,
    Result,
    Segment,
)
from vidqa.search_results import ArchiveAnswer, Citation, Scope, SearchResult
from vidqa.timeline import Span

ONE = Segment(
    span=Span(3.0, 7.5),
    score=0.91,
    precision_s=1.0,
    confidence=0.8,
    evidence=(Evidence(pts_s=3.5, sha256="aa"),),
)
HOW = Provenance(
    video=VideoFacts(
        id="sha256:00", duration_s=60.0, start_time_s=1.4, vfr=True, width=640, height=360
    ),
    coverage=Coverage(span=Span(0.0, 60.0), fraction=1.0, unreadable_from_s=58.0),
    passes=(
        Pass(
            stage="look",
            span=Span(0.0, 60.0),
            fps=2.0,
            frames=4,
            height=28,
            width=28,
            video_tokens=8,
        ),
    ),
    model="nano@sha256:11",
    reply="3.0 - 7.5",
    reply_kind="range",
    reply_tokens=9,
    reply_cut_short=True,
    cache={"features": "hit"},
    timings={"decode": 0.5},
    familiar=True,
    notes=("The file does not decode from 58.000 s on.",),
)
RESULTS: list[Result] = [
    GroundResult(outcome="found", query="=door\nopens", segments=(ONE,), provenance=HOW),
    AskResult(
        outcome="found",
        question="who?",
        answer="a person",
        evidence=(ONE,),
        marks=(Mark(kind="box", label="p", xy=(1.0, 2.0, 3.0, 4.0), pts_s=3.5, sha256="aa"),),
        provenance=HOW,
    ),
    DescribeResult(
        outcome="found",
        chapters=(Chapter(span=Span(0.0, 9.0), text="it opens", score=0.5, precision_s=1.0),),
        provenance=HOW,
    ),
]
DIGESTS = [f"sha256:{n:064x}" for n in (1, 2)]
SCOPE = Scope(videos=2, clips=9, ranked=9, looked_at=1, looked_at_videos=1)


def hit(rank: int, digest: str, **told: object) -> Hit:
    video = VideoRef(
        id=rank,
        digest=digest,
        archive="default",
        paths=(f"/films/{rank}.mp4",),
        there=True,
        duration_s=60.0,
        size=(640, 360),
        variable_rate=False,
        start_time_s=0.0,
        recorded_at=datetime(2026, 11, 2, tzinfo=timezone.utc),
        recorded_from="metadata",
        tags=("yard",),
    )
    return Hit(
        rank=rank,
        video=video,
        span=Span(4.0, 12.0),
        clip_id=7,
        key_s=8.0,
        score=0.4,
        found_by=("vector",),
        **told,  # type: ignore[arg-type]
    )


FOUND = [
    SearchResult(
        outcome="found",
        kind="text",
        query="a door",
        hits=(
            hit(1, DIGESTS[0], verdict=Verdict(decision="confirmed", probability=0.9)),
            hit(2, DIGESTS[1], segments=(ONE,)),
        ),
        total=2,
        scope=SCOPE,
        model="nano@sha256:11",
        next_page="tok",
    ),
    ArchiveAnswer(
        outcome="found",
        question="how often?",
        answer="once",
        citations=(Citation(hit=hit(1, DIGESTS[0], segments=(ONE,)), answer="once"),),
        others=(),
        count=1,
        at_least=False,
        scope=SCOPE,
        model="nano@sha256:11",
    ),
]


@pytest.mark.parametrize("result", RESULTS, ids=lambda each: type(each).__name__)
def test_a_result_reads_back_from_its_json(result: Result) -> None:
    body = json.loads(json.dumps(result.to_dict()))
    again = read_result(body)
    assert again.to_dict() == body
    assert not is_about_archive(body)
    for name in EXPORT_FORMATS:
        assert export_result(again, name) == export_result(result, name)


@pytest.mark.parametrize("found", FOUND, ids=lambda each: type(each).__name__)
def test_what_was_found_in_an_archive_reads_back(found: SearchResult | ArchiveAnswer) -> None:
    body = json.loads(json.dumps(found.to_dict()))
    again = read_found(body)
    assert again.to_dict() == body
    assert is_about_archive(body)
    for name in ("csv", "edl"):
        assert export_found(again, name) == export_found(found, name)


def test_fields_of_a_newer_version_are_passed_over() -> None:
    body = {**RESULTS[0].to_dict(), "novelty": 1}
    assert read_result(body) == read_result(RESULTS[0].to_dict())


@pytest.mark.parametrize(
    "body",
    [{}, {"query": "x", "segments": [{}]}, {"chapters": 3}, {"question": "x", "evidence": None}],
)
def test_what_is_no_result_is_told(body: dict[str, object]) -> None:
    with pytest.raises(ExportError) as told:
        read_result(body)
    assert told.value.code == "result_unreadable"


@pytest.mark.parametrize("body", [{}, {"hits": [{}]}, {"citations": []}])
def test_what_was_found_nowhere_is_told(body: dict[str, object]) -> None:
    with pytest.raises(ExportError):
        read_found(body)
