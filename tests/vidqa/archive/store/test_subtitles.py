"""Subtitles beside a video: found by name, read whatever their encoding."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidqa.archive.records import Line
from vidqa.archive.subtitles import LARGEST, Sidecars, read_lines
from vidqa.errors import ArchiveError
from vidqa.timeline import Span

SRT = "1\n00:00:01,500 --> 00:00:03,000\nEin <i>Vogel</i>\nfliegt über Łódź\n"
VTT = "WEBVTT\n\nNOTE x\n\n00:01.500 --> 00:03.000 align:start\nEin Vogel\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-bom", "utf-32"])
def test_every_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.srt"
    if encoding == "utf-16-be-bom":
        path.write_bytes(b"\xfe\xff" + SRT.encode("utf-16-be"))
    else:
        path.write_bytes(SRT.encode(encoding))
    wanted = Line(span=Span(1.5, 3.0), text="Ein Vogel fliegt über Łódź")
    assert read_lines(path, 10.0) == [wanted]


def test_an_older_encoding_is_told_by_its_letters(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    words = "Zażółć gęślą jaźń. Wszystkie dzieci śpią już, a pies szczeka przed domem."
    path.write_bytes(f"1\n00:00:01,000 --> 00:00:02,000\n{words}\n".encode("cp1250"))
    assert read_lines(path, 10.0)[0].text == words


def test_webvtt_is_read_without_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_text(VTT)
    assert read_lines(path, 10.0) == [Line(span=Span(1.5, 3.0), text="Ein Vogel")]


def test_lines_are_sorted_clamped_and_those_outside_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    cues = [("00:00:08,000", "00:00:30,000", "late"), ("00:00:01,000", "00:00:02,000", "early")]
    cues += [("00:00:20,000", "00:00:21,000", "after"), ("00:00:03,000", "00:00:04,000", " ")]
    path.write_text("\n".join(f"{k}\n{a} --> {b}\n{c}\n" for k, (a, b, c) in enumerate(cues)))
    assert read_lines(path, 10.0) == [
        Line(span=Span(1.0, 2.0), text="early"),
        Line(span=Span(8.0, 10.0), text="late"),
    ]


@pytest.mark.parametrize("text", ["", "WEBVTT\n"])
def test_a_file_without_lines_has_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.vtt"
    path.write_text(text)
    assert read_lines(path, 10.0) == []


@pytest.mark.parametrize("data", [b"just words\n", bytes(range(256)) * 40, b"\0" * 5000])
def test_what_holds_no_subtitles_is_refused_with_its_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"a\.srt") as caught:
        read_lines(path, 10.0)
    assert caught.value.code in ("subtitles_unreadable", "subtitles_malformed")


def test_a_file_that_is_gone_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="No such file"):
        read_lines(tmp_path / "none.srt", 10.0)
    huge = tmp_path / "huge.srt"
    with huge.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(ArchiveError, match="larger than 20 MB"):
        read_lines(huge, 10.0)


def test_sidecars_are_those_of_this_video_alone(tmp_path: Path) -> None:
    mine = ["party.SRT", "party.en.srt", "party.mp4.vtt", "party.pt-BR.forced.vtt"]
    others = ["party.2.srt", "party2.srt", "party.txt", "other.srt", "party.srt.bak"]
    for name in (*mine, *others):
        (tmp_path / name).touch()
    found = Sidecars().of(tmp_path / "party.mp4")
    assert [path.name for path in found] == sorted(mine)
