"""The product's setting for weights as bytes: what it loads, what it calls it, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidqa.checkpoints import find_checkpoint
from vidqa.engine import open_engine
from vidqa.errors import ModelError, SettingsError
from vidqa.session import open_session
from vidqa.settings import load_settings


def test_bytes_never_claim_the_plain_digest(tiny_folder: Path) -> None:
    checkpoint = find_checkpoint(str(tiny_folder))
    plain = open_engine(checkpoint, device="cpu").identity
    assert open_engine(checkpoint, device="cpu", weights="int8").identity == f"{plain}+int8"


def test_the_environment_can_ask_for_bytes(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDQA_WEIGHTS", "int8")
    session = open_session(model=str(tiny_folder), device="cpu")
    assert session.context.engine.identity.endswith("+int8")


def test_8_bit_floats_on_a_cpu_say_what_to_use(tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match="fp8 weights are for CUDA") as caught:
        open_engine(find_checkpoint(str(tiny_folder)), device="cpu", weights="fp8")
    assert caught.value.next_step == "use int8 on the CPU"


def test_another_number_of_bits_is_no_setting() -> None:
    with pytest.raises(SettingsError, match="'weights' cannot be 'int4'"):
        load_settings(weights="int4")
