"""Looking at vidqa must not cost the seconds that torch takes to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = [
    "vidqa",
    "vidqa.cli.main",
    "vidqa.cache",
    "vidqa.fetching",
    "vidqa.video",
    "vidqa.sampling",
    "vidqa.replies",
    "vidqa.service.library",
    "vidqa.service.keys",
    "vidqa.jobs.store",
    "vidqa.jobs.worker",
    "vidqa.jobs.child",
]


@pytest.mark.parametrize("module", LIGHT)
def test_the_light_parts_do_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_imports_neither_torch_nor_the_decoder() -> None:
    code = (
        "import sys; from vidqa.cli.main import app\n"
        "try: app(['--help'], prog_name='vidqa')\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'av', 'numpy', 'PIL', 'faiss', 'sqlalchemy', 'pydantic'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert (done.returncode, b"ground" in done.stdout) == (0, True)
