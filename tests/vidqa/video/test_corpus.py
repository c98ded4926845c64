"""Real films and the corpus of odd, damaged and hostile ones: 0 wrong frames, no hang, no crash.

Skipped where the shared inputs or the ffmpeg program are missing.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vidqa.errors import VideoError
from vidqa.video import FILE_CODES, Frames, frame_times, probe, read_frames

Row = dict[str, Any]
CODES = frozenset(FILE_CODES) | {"file_is_directory"}
_FFPROBE = ("ffprobe", "-v", "error", "-select_streams", "v:0", "-of", "json")


@pytest.fixture(scope="module")
def maker(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("maker", shared / "make_bad_videos.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_known_films_show_the_right_number_at_every_time(
    corpus: tuple[Path, list[Row]], maker: ModuleType
) -> None:
    folder, rows = corpus
    known = [r for r in rows if r["group"] in ("valid", "odd") and r["codes"]]
    assert len(known) > 40
    wrong = [problem for row in known for problem in _problems(folder / row["name"], row, maker)]
    assert wrong == []


def test_odd_films_without_known_numbers_agree_with_ffprobe(
    corpus: tuple[Path, list[Row]],
) -> None:
    folder, rows = corpus
    # Broken clocks: what is on screen when is nobody's truth, but they must be read or refused.
    odd = [r for r in rows if r["group"] in ("valid", "odd") and not r["codes"]]
    for row in odd:
        if row["kind"].startswith("pts-") or row["want"] == "reject":
            _survive(folder / row["name"])
        elif row["kind"] != "leading":
            _agree(folder / row["name"])


def test_bad_films_end_in_frames_or_one_of_our_errors(
    corpus: tuple[Path, list[Row]],
) -> None:
    folder, rows = corpus
    for row in rows:
        if row["group"] in ("damaged", "hostile", "notvideo"):
            frames = _survive(folder / row["name"])
            assert frames is None or row["want"] != "reject", row["name"]


@pytest.mark.parametrize("threads", [1, 2])
def test_real_films_agree_with_ffprobe(shared: Path, threads: int) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("needs the ffprobe program")
    films = [p for p in sorted((shared / "videos").iterdir()) if p.suffix != ".md"]
    assert len(films) >= 10
    for path in films:
        _agree(path, threads)


def _problems(path: Path, row: Row, maker: ModuleType) -> list[str]:
    """What is wrong with the frames of one numbered film, as sentences."""
    info, times = probe(path), frame_times(path)
    if len(times) != len(row["codes"]):
        return [f"{path.name}: {len(times)} frames"]
    asked = np.concatenate([times, np.random.default_rng(0).uniform(0, info.duration_s, 12)])
    found = []
    for subset in (asked, asked[-3:]):
        frames = read_frames(path, subset, (info.height, info.width))
        on_screen = np.searchsorted(times, frames.asked_T + 1e-6, side="right") - 1
        if len(frames) != len(subset):
            found.append(f"{path.name}: {len(frames)} of {len(subset)} frames")
        upright = np.rot90(frames.rgb_THWC, info.rotation_deg // 90, axes=(1, 2))
        drawn_width = _drawn_width(path.name, upright.shape[2])
        for t_s, k, rgb in zip(frames.asked_T, on_screen, upright, strict=True):
            code = maker.read_code(rgb.mean(axis=-1), drawn_width)
            if code != row["codes"][k]:
                found.append(f"{path.name}: {code}, not {row['codes'][k]}, at {t_s:.3f} s")
    if row["times"] and np.abs(times - row["times"]).max() > 1.1e-3:
        found.append(f"{path.name}: other times")
    return found


def _drawn_width(name: str, width: int) -> int:
    """Width that the number was drawn at: the encoder may have dropped an odd column."""
    return int(name.split("_")[1].split("x")[0]) if name.startswith("dims") else width


def _survive(path: Path) -> Frames | None:
    try:
        info = probe(path)
        return read_frames(path, np.linspace(0, info.duration_s, 6, endpoint=False), (28, 28))
    except VideoError as err:
        problem = err
    assert problem.code in CODES, (path.name, problem.code)
    assert problem.next_step
    return None


def _agree(path: Path, threads: int = 1) -> None:
    """Times as ffprobe lists them; frames as sequential decoding gives them."""
    truth = _ffprobe_times(path)
    times = frame_times(path)
    np.testing.assert_allclose(times, truth, atol=2e-6, err_msg=path.name)
    asked = np.random.default_rng(1).uniform(0, probe(path).duration_s, 7)
    few = read_frames(path, asked, (56, 84), threads=threads)
    np.testing.assert_allclose(
        few.pts_T, truth[np.searchsorted(truth, asked + 1e-6, side="right") - 1], atol=2e-6
    )
    every = read_frames(path, times, (56, 84), threads=threads)  # nothing skipped: no shortcut
    same = every.rgb_THWC[np.searchsorted(times, few.pts_T + 1e-6, side="right") - 1]
    np.testing.assert_array_equal(few.rgb_THWC, same, err_msg=path.name)


def _ffprobe_times(path: Path) -> np.ndarray:
    listed = subprocess.run(
        [*_FFPROBE, "-show_entries", "frame=best_effort_timestamp_time", path],
        check=True,
        capture_output=True,
    ).stdout
    frames = json.loads(listed)["frames"]
    times = np.array([float(f["best_effort_timestamp_time"]) for f in frames])
    return np.sort(times) - times.min()
