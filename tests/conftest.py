"""What every test may use: the shared inputs, when they are there, and a tiny checkpoint."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No test asserts on wall time: a busy machine must not fail an example that took long. New examples
# are tried by people, who can look at them; the gate tries the same ones every time.
settings.register_profile("vidqa", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("vidqa")

# Tests run side by side, one to a core: libraries that bring threads of their own get one each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Nobody's own cache is read or written by a test, and nobody's settings of it are heard.
for _name in ("VIDQA_CACHE", "VIDQA_CACHE_BYTES", "VIDQA_PREFIX_BYTES", "VIDQA_PREFIX_PLACE"):
    os.environ.pop(_name, None)
os.environ["VIDQA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"vidqa-tests-{os.getpid()}")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def _own_cache() -> Iterator[None]:
    yield
    shutil.rmtree(os.environ["VIDQA_CACHE_DIR"], ignore_errors=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs beside a checkout; a test that needs it is skipped without it."""
    if not SHARED.is_dir():
        pytest.skip(
            "needs the shared inputs (real videos, the official tokenizer) beside the checkout"
        )
    return SHARED


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random numbers in the official layout."""
    from tests.tiny_checkpoint import save_tiny

    return save_tiny(tmp_path_factory.mktemp("tiny"))
