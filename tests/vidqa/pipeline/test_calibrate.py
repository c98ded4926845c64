"""From labelled questions to a map of confidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.seeing_engine import seeing
from vidqa.calibration import Calibration, Curve
from vidqa.errors import ModelError, QueryError
from vidqa.pipeline.calibrate import ask_labelled, calibrate
from vidqa.pipeline.ground import ground
from vidqa.pipeline.labelled import Labelled, read_labelled
from vidqa.timeline import Span


def written(folder: Path, *lines: dict[str, Any] | str) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines))
    return path


def test_labels_name_a_video_beside_them_a_query_and_spans(tmp_path: Path) -> None:
    path = written(tmp_path, {"video": "a.mp4", "query": "q", "spans": [[1, 2.5]], "end": 9}, "")
    assert read_labelled(path) == [
        Labelled(video=tmp_path / "a.mp4", query="q", spans=(Span(1.0, 2.5),), end_s=9.0)
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        {"video": "a.mp4", "query": "q"},
        {"video": "a.mp4", "query": "q", "spans": [[3, 1]]},
        {"video": "a.mp4", "query": "q", "spans": [[1]]},
        {"video": "a.mp4", "query": "q", "spans": [], "label": 1},
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: Any) -> None:
    with pytest.raises(QueryError, match="line 1"):
        read_labelled(written(tmp_path, line))


def test_answers_are_sorted_by_their_route_and_judged_by_overlap(clip: Path) -> None:
    ctx, _ = seeing((1.0, 2.0))
    right = Labelled(video=clip, query="a", spans=(Span(1.1, 2.0),), end_s=3.0)
    wrong = Labelled(video=clip, query="b", spans=(), end_s=3.0)
    long = Labelled(video=clip, query="c", spans=(Span(1.0, 2.0),))
    answers = ask_labelled([right, wrong, long], ctx, None)
    assert answers["one_pass"].right == [True, False]
    assert answers["one_pass"].off == [pytest.approx(0.1)]
    assert answers["search"].right == [True]


def test_a_calibration_is_of_the_checkpoint_and_leaves_it_as_it_was(clip: Path) -> None:
    ctx, engine = seeing((1.0, 2.0))
    true, false = (Span(1.0, 2.0),), (Span(2.5, 3.0),)
    asked = [
        Labelled(video=clip, query=str(k), spans=true if k % 2 else false, end_s=3.0)
        for k in range(20)
    ]
    found = calibrate(asked, ctx)
    assert (found.made_for, found.labelled, list(found.routes)) == ("sha256:0", 20, ["one_pass"])
    assert found.routes["one_pass"].right == 10
    assert engine.calibration is None


def test_too_few_answers_are_an_error_that_says_what_to_do(clip: Path) -> None:
    ctx, _ = seeing((1.0, 2.0))
    with pytest.raises(ModelError) as caught:
        calibrate([Labelled(video=clip, query="a", spans=(), end_s=3.0)], ctx)
    assert caught.value.code == "calibration_impossible"


def curve(chance: float, found_from: float) -> Curve:
    return Curve(
        weights=(0.0,) * 5, knots=((0.0, chance),), found_from=found_from, precision_factor=1.5,
        count=10, right=5, ece=0.0, ece_before=0.1,
    )  # fmt: skip


def test_a_calibrated_checkpoint_gives_probabilities_and_wider_precision(clip: Path) -> None:
    ctx, engine = seeing((5.2, 5.9))
    routes = {"search": curve(0.8, 0.5), "one_pass": curve(0.7, 0.5)}
    engine.calibration = Calibration(made_for="sha256:0", labelled=10, routes=routes)
    segment = ground(clip, "q", ctx).segments[0]
    assert (segment.confidence, segment.precision_s) == (0.8, 1.5)
    assert ground(clip, "q", ctx, start_s=5.0).segments[0].confidence == 0.7


def test_an_answer_below_the_least_probability_is_uncertain(clip: Path) -> None:
    ctx, engine = seeing((5.2, 5.9))
    engine.calibration = Calibration(
        made_for="sha256:0", labelled=10, routes={"search": curve(0.3, 0.5)}
    )
    assert ground(clip, "q", ctx).outcome == "uncertain"
