"""The worst files of the corpus through a real service: each ends as it may, and nobody dies of it.

The whole corpus: ``python -m benchmarks.hostile --api``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import hostile_api
from vidqa.video import FILE_CODES

WORST = {
    "bomb_mjpeg_65500.avi": "job",
    "bomb_1000h.mkv": "result",
    "bomb_200_streams.mkv": "result",
    "box_deep_moov.mp4": "job",
    "ftyp_only.mp4": "job",
    "hls_file.mp4": "upload",
    "empty.mp4": "upload",
}
"""Where each ends."""


@pytest.fixture(scope="module")
def files(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    if sys.platform != "linux" or shutil.which("ffmpeg") is None:
        pytest.skip("needs Linux and the ffmpeg program")
    folder = tmp_path_factory.mktemp("corpus")
    only = "^(" + "|".join(name.replace(".", r"\.") for name in WORST) + ")$"
    line = [sys.executable, str(shared / "make_bad_videos.py"), str(folder), "--only", only]
    subprocess.run(line, check=True, capture_output=True)
    return [folder / name for name in WORST]


def test_the_worst_files_end_as_they_may_and_the_service_is_as_it_was(files: list[Path]) -> None:
    report = hostile_api.run_api(files, warm=1)
    assert report["unwanted"] == []
    assert hostile_api.is_good(report), report
    assert set(report["codes"]) <= {*FILE_CODES, "video_too_long"}
    assert {each["path"]: each["end"] for each in report["ended"]} == WORST
