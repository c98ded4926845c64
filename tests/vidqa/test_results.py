"""Results become the one JSON shape of the product, with plain values only."""

from __future__ import annotations

import json

from vidqa.provenance import Coverage, Pass, Provenance, VideoFacts
from vidqa.results import AskResult, Evidence, GroundResult, Segment
from vidqa.timeline import Span

VIDEO = VideoFacts(
    id="sha256:ab", duration_s=7261.4, start_time_s=1.4, vfr=True, width=1280, height=720
)


def provenance(unreadable_from_s: float | None = None) -> Provenance:
    return Provenance(
        video=VIDEO,
        coverage=Coverage(
            span=Span(0.0, 7261.4), fraction=1.0, unreadable_from_s=unreadable_from_s
        ),
        passes=(
            Pass(
                stage="ground",
                span=Span(0.0, 7261.4),
                fps=0.1057677,
                frames=768,
                height=140,
                width=252,
                video_tokens=17280,
            ),
        ),
        model="nano@sha256:cd",
        reply="The given query happens in 3723.5 - 3727.0 seconds.",
        reply_kind="dash",
        cache={"features": "off"},
        timings={"decode_s": 1.23456},
    )


def segment() -> Segment:
    return Segment(
        span=Span(3723.48, 3727.0204),
        score=0.912345,
        precision_s=0.5,
        evidence=(Evidence(pts_s=3723.98, sha256="sha256:ef"),),
    )


def test_a_found_moment_carries_seconds_timecodes_precision_and_evidence() -> None:
    result = GroundResult(
        outcome="found", query="person opens door", segments=(segment(),), provenance=provenance()
    )
    assert result.to_dict()["segments"] == [
        {
            "start": 3723.48,
            "end": 3727.02,
            "start_tc": "01:02:03.480",
            "end_tc": "01:02:07.020",
            "score": 0.9123,
            "confidence": None,
            "precision_s": 0.5,
            "evidence": [{"pts": 3723.98, "sha256": "sha256:ef"}],
        }
    ]
    assert result.spans == (Span(3723.48, 3727.0204),)


def test_a_result_says_what_was_looked_at_and_at_what_cost() -> None:
    result = GroundResult(outcome="not_found", query="q", segments=(), provenance=provenance())
    value = result.to_dict()
    assert value["coverage"] == {"start": 0.0, "end": 7261.4, "fraction": 1.0}
    assert value["passes"] == [
        {
            "stage": "ground",
            "start": 0.0,
            "end": 7261.4,
            "fps": 0.105768,
            "frames": 768,
            "height": 140,
            "width": 252,
            "video_tokens": 17280,
            "windows": 1,
            "count": 1,
        }
    ]
    assert value["timings"] == {"decode_s": 1.235}
    assert value["model"] == "nano@sha256:cd"


def test_a_damaged_tail_is_part_of_the_coverage() -> None:
    result = GroundResult(
        outcome="not_found", query="q", segments=(), provenance=provenance(unreadable_from_s=12.5)
    )
    coverage = result.to_dict()["coverage"]
    assert isinstance(coverage, dict)
    assert coverage["unreadable_from"] == 12.5


def test_an_answer_keeps_its_words_and_its_evidence_and_survives_json() -> None:
    result = AskResult(
        outcome="found",
        question="which colour?",
        answer="red",
        evidence=(segment(),),
        provenance=provenance(),
    )
    value = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert value["answer"] == "red"
    assert value["evidence"][0]["start_tc"] == "01:02:03.480"
    assert value["reply"]["kind"] == "dash"
