"""A few drawn clips that all tests of nano share."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidqa_nano.clips import Clips, load_clips


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Six training clips, drawn once."""
    return load_clips(Path(tmp_path_factory.mktemp("clips")), "train", 6)
