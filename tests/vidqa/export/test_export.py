"""Every format holds the same spans, and no words a user or a model chose can break it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidqa.errors import ExportError
from vidqa.export import EXPORT_FORMATS, export_result
from vidqa.provenance import Coverage, Provenance, VideoFacts
from vidqa.results import AskResult, GroundResult, Outcome, Segment
from vidqa.timeline import Span

MINUTE = Span(0.0, 60.0)
PROVENANCE = Provenance(
    video=VideoFacts(
        id="sha256:00", duration_s=60, start_time_s=0, vfr=False, width=640, height=360
    ),
    coverage=Coverage(span=MINUTE, fraction=1.0),
    passes=(),
    model="nano@sha256:11",
    reply="The given query happens in 3.0 - 7.5 seconds.",
    reply_kind="range",
)


def result(*spans: Span, query: str = "person opens door") -> GroundResult:
    segments = tuple(Segment(span=span, score=0.91, precision_s=1.0) for span in spans)
    outcome: Outcome = "found" if spans else "not_found"
    return GroundResult(outcome=outcome, query=query, segments=segments, provenance=PROVENANCE)


TWO = result(Span(3723.48, 3727.02), Span(3.0, 7.5))


def test_subrip_numbers_its_cues_in_time_order() -> None:
    assert export_result(TWO, "srt") == (
        "1\n00:00:03,000 --> 00:00:07,500\nperson opens door\n\n"
        "2\n01:02:03,480 --> 01:02:07,020\nperson opens door\n"
    )


def test_webvtt_begins_with_its_name() -> None:
    assert export_result(TWO, "vtt") == (
        "WEBVTT\n\n00:00:03.000 --> 00:00:07.500\nperson opens door\n\n"
        "01:02:03.480 --> 01:02:07.020\nperson opens door\n"
    )


def test_chapters_are_in_milliseconds() -> None:
    assert export_result(result(Span(3, 7.5)), "chapters") == (
        ";FFMETADATA1\n\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=3000\nEND=7500\ntitle=person opens door\n"
    )


def test_a_table_has_a_line_for_each_span() -> None:
    assert export_result(TWO, "csv").splitlines() == [
        "start,end,start_tc,end_tc,score,precision_s,text",
        "3.000,7.500,00:00:03.000,00:00:07.500,0.9100,1.000,person opens door",
        "3723.480,3727.020,01:02:03.480,01:02:07.020,0.9100,1.000,person opens door",
    ]


def test_an_edit_list_puts_the_moments_one_after_the_other() -> None:
    cuts = result(Span(3723.48, 3727.04), Span(3, 7.48))
    assert export_result(cuts, "edl", frame_rate=25, clip_name="door.mp4").splitlines() == [
        "TITLE: person opens door",
        "FCM: NON-DROP FRAME",
        "",
        "001  AX       V     C        00:00:03:00 00:00:07:12 00:00:00:00 00:00:04:12",
        "* FROM CLIP NAME: door.mp4",
        "* COMMENT: person opens door",
        "",
        "002  AX       V     C        01:02:03:12 01:02:07:01 00:00:04:12 00:00:08:01",
        "* FROM CLIP NAME: door.mp4",
        "* COMMENT: person opens door",
        "",
    ]


def test_ntsc_edit_lists_count_frames_without_dropping_numbers() -> None:
    lines = export_result(result(Span(0, 60.06)), "edl", frame_rate=30_000 / 1001).splitlines()
    assert lines[3].endswith("00:00:00:00 00:01:00:00 00:00:00:00 00:01:00:00")


def test_an_empty_moment_still_lasts_one_frame() -> None:
    lines = export_result(result(Span(2, 2)), "edl", frame_rate=25).splitlines()
    assert lines[3].endswith("00:00:02:00 00:00:02:01 00:00:00:00 00:00:00:01")


@pytest.mark.parametrize("rate", [0, 0.5, 120, float("nan")])
def test_a_rate_no_timecode_has_is_an_error(rate: float) -> None:
    with pytest.raises(ExportError, match="frames per second"):
        export_result(TWO, "edl", frame_rate=rate)


def test_an_edit_list_has_no_room_beyond_a_day() -> None:
    with pytest.raises(ExportError, match="24 hours"):
        export_result(result(Span(86_399, 86_401)), "edl")
    with pytest.raises(ExportError, match="1000"):
        export_result(result(*(Span(k, k + 1) for k in range(1000))), "edl")


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_json_is_the_result_itself(name: str) -> None:
    assert json.loads(export_result(TWO, name)) == TWO.to_dict()
    assert export_result(TWO, "jsonl").count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [("srt", ""), ("vtt", "WEBVTT\n"), ("chapters", ";FFMETADATA1\n"),
     ("csv", "start,end,start_tc,end_tc,score,precision_s,text\n"),
     ("edl", "TITLE: person opens door\nFCM: NON-DROP FRAME\n\n")],
)  # fmt: skip
def test_a_result_without_spans_is_an_empty_file_of_its_kind(name: str, text: str) -> None:
    assert export_result(result(), name) == text


def test_an_answer_is_exported_with_the_spans_it_cites() -> None:
    answer = AskResult(
        outcome="found",
        question="Which colour?",
        answer="red",
        evidence=(Segment(span=Span(3, 7.5), score=0.5, precision_s=1.0),),
        provenance=PROVENANCE,
    )
    assert export_result(answer, "srt") == "1\n00:00:03,000 --> 00:00:07,500\nred\n"


def test_an_unknown_format_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ExportError, match="docx") as caught:
        export_result(TWO, "docx")
    assert "chapters" in caught.value.next_step


HOSTILE = st.text(max_size=40) | st.sampled_from(
    ["a\n\n2\n00:00:00,000 --> 00:00:01,000\nfake", "<b>&amp;</b>", "{\\an8}", "=cmd()", "-->",
     "x\nSTART=0", "a;b#c=d\\", "\ud800", "\u2028", "\x1b[31m", '"', ",", "@x", "+1", "\r\n"]
)  # fmt: skip


@settings(max_examples=200)
@given(HOSTILE)
def test_words_cannot_break_any_format(words: str) -> None:
    one = result(Span(3, 7.5), query=words)
    texts = {name: export_result(one, name) for name in EXPORT_FORMATS}
    for text in texts.values():
        text.encode("utf-8")
    assert texts["srt"].count("-->") == texts["vtt"].count("-->") == 1
    assert len(texts["srt"].splitlines()) == 3
    assert len(texts["vtt"].splitlines()) == 4
    assert not re.search("[<>]", texts["vtt"].splitlines()[3])
    assert len(texts["chapters"].splitlines()) == 7
    assert len(texts["edl"].splitlines()) == 7
    rows = list(csv.reader(io.StringIO(texts["csv"])))
    assert [len(row) for row in rows] == [7, 7]
    assert rows[1][6][:1] not in {"=", "+", "-", "@"}
    assert json.loads(texts["jsonl"])["segments"] == one.to_dict()["segments"]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program")
def test_ffmpeg_reads_the_chapters_back(tmp_path: Path) -> None:
    words = "a;b#c=d\\ [CHAPTER] é"
    listed = tmp_path / "chapters.txt"
    text = export_result(result(Span(0.5, 0.9), query=words), "chapters")
    listed.write_text(text, encoding="utf-8")
    made = tmp_path / "out.mkv"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=s=16x16:d=1", "-i", str(listed),
         "-map_metadata", "1", str(made)],
        check=True,
    )  # fmt: skip
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_chapters", "-of", "json", str(made)],
        check=True,
        capture_output=True,
    )
    (chapter,) = json.loads(shown.stdout)["chapters"]
    assert chapter["tags"]["title"] == words
    assert (float(chapter["start_time"]), float(chapter["end_time"])) == (0.5, 0.9)
