"""What a damaged or slow file makes of an answer: nothing is hidden and nothing unseen is said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.scripted_engine import context_saying
from vidqa.pipeline.ask import ask
from vidqa.pipeline.ground import ground
from vidqa.timeline import Span


def write_film(path: Path, *, frames: int = 40, rate: int = 10, grey: int = 5) -> Path:
    """Noise on a grey of ``grey`` k at frame k; a key frame every second; the index comes first."""
    ways = {"g": str(rate), "bf": "0", "sc_threshold": "0"}
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate, options=ways)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for k in range(frames):
            noise = np.random.default_rng(k).integers(0, 30, (64, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(noise + np.uint8(grey * k), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def spoil(path: Path, *, from_s: float) -> Path:
    """The same file, its packets from a time on overwritten with zeros."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.pos is None or packet.pts is None:
                continue
            if packet.pts * packet.time_base >= Fraction(from_s):
                data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path.write_bytes(data)
    return path


@pytest.fixture
def cut_short(tmp_path: Path) -> Path:
    """Four seconds in the index, about two in the file: a download that stopped."""
    whole = write_film(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    return tmp_path / "cut.mp4"


@pytest.fixture
def spoiled(tmp_path: Path) -> Path:
    """Four seconds of packets; those from 2.0 s on are not pictures any more."""
    return spoil(write_film(tmp_path / "spoiled.mp4"), from_s=2.0)


def test_a_tail_that_is_not_in_the_file_is_told(cut_short: Path) -> None:
    ctx, _ = context_saying("no")
    told = ground(cut_short, "q", ctx).to_dict()
    assert told["coverage"]["unreadable_from"] == told["coverage"]["end"] < 4.0
    assert "does not decode from" in told["notes"][0]


def test_no_answer_lies_in_a_tail_that_nobody_saw(spoiled: Path) -> None:
    ctx, engine = context_saying("The given query happens in 1.0 - 3.5, 3.6 - 3.8 seconds.")
    result = ground(spoiled, "q", ctx)
    assert engine.rows_seen == [(0.0, 1.0)]
    assert result.spans == (Span(1.0, 2.0),)
    assert result.provenance.coverage.unreadable_from_s == 2.0
    answer = ask(spoiled, "q", context_saying("Red, in 3.0 - 3.5 seconds.")[0])
    assert (answer.answer, answer.evidence) == ("Red", ())


def test_a_frame_shown_twice_to_fill_a_row_is_evidence_once(tmp_path: Path) -> None:
    film = write_film(tmp_path / "three.mp4", frames=3, rate=1)
    ctx, engine = context_saying("The given query happens in 2.0 - 3.0 seconds.")
    evidence = ground(film, "q", ctx).segments[0].evidence
    assert len(engine.frames_seen[0]) == 4
    assert [frame.pts_s for frame in evidence] == [2.0]
