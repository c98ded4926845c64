"""Clips and corpora shared by the tests of reading video."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load(name: str) -> ModuleType:
    """A module beside this file: test folders are no packages, so it is loaded by path, once."""
    if name not in sys.modules:
        spec = util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


clips = _load("clips")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of a recipe's clip by name, encoded on first use."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str) -> Path:
        path = folder / name
        return path if path.exists() else clips.write_clip(folder, clips.BY_NAME[name])

    return make


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """The ffmpeg program; a test that needs it is skipped without it."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("needs the ffmpeg program")
    return program


@pytest.fixture(scope="session")
def corpus(
    shared: Path, ffmpeg: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """The folder and the manifest rows of the odd, damaged and hostile files."""
    folder = tmp_path_factory.mktemp("corpus")
    subprocess.run(
        [sys.executable, shared / "make_bad_videos.py", folder, "--ffmpeg", ffmpeg],
        check=True,
        capture_output=True,
    )
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return folder, [json.loads(line) for line in lines]
