"""The product's setting for a compiled decoding step."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidqa.errors import ModelError
from vidqa.session import open_session


def test_the_environment_can_ask_for_compiling_and_is_told_what_is_missing(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDQA_COMPILE", "1")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ModelError, match="needs a C") as caught:
        open_session(model=str(tiny_folder), device="cpu")
    assert caught.value.next_step == "install g++ or name another by CXX, or do not compile"
