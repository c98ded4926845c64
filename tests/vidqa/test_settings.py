"""Settings come from arguments, the environment and a file, in that order of strength."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidqa.errors import SettingsError
from vidqa.settings import load_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MODEL", "DEVICE", "THREADS"):
        monkeypatch.delenv(f"VIDQA_{name}", raising=False)
    return tmp_path


def write_config(home: Path, text: str) -> None:
    folder = home / ".config" / "vidqa"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(text)


def test_without_anything_set_the_built_in_model_answers_within_the_published_budget() -> None:
    settings = load_settings()
    assert (settings.model, settings.budget_frames, settings.budget_tokens) == (
        "nano",
        768,
        24_576,
    )


def test_an_argument_beats_the_environment_which_beats_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, 'model = "from-file"\nthreads = 7\ndevice = "cpu"\n')
    monkeypatch.setenv("VIDQA_MODEL", "from-environment")
    monkeypatch.setenv("VIDQA_THREADS", "5")
    settings = load_settings(threads=3, model=None)
    assert (settings.threads, settings.model, settings.device) == (3, "from-environment", "cpu")


def test_home_may_be_written_as_a_shell_has_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(home, 'model = "~/models/7b"\n')
    monkeypatch.setenv("VIDQA_CACHE_DIR", "~/kept")
    settings = load_settings()
    assert (settings.model, settings.cache_folder) == (f"{home}/models/7b", home / "kept")


def test_a_variable_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODEL", "CACHE_DIR", "CACHE_BYTES"):
        monkeypatch.setenv(f"VIDQA_{name}", "")
    settings = load_settings()
    assert (settings.model, settings.cache_dir, settings.cache_bytes) == ("nano", None, 10 * 10**9)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"budget_frames": 769}, "budget_frames"),
        ({"device": "tpu"}, "device"),
        ({"threads": 0}, "threads"),
    ],
)
def test_an_impossible_setting_is_an_error_that_names_it(
    given: dict[str, object], name: str
) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        load_settings(**given)
    assert caught.value.code == "setting_invalid"


def test_an_unknown_name_in_the_file_is_an_error_not_a_default(home: Path) -> None:
    write_config(home, 'modle = "typo"\n')
    with pytest.raises(SettingsError, match="no setting 'modle'") as caught:
        load_settings()
    assert caught.value.code == "setting_unknown"
    assert "model" in caught.value.next_step


def test_an_unknown_argument_is_an_error_not_a_default() -> None:
    with pytest.raises(SettingsError, match="no setting 'budgt_frames'"):
        load_settings(budgt_frames=10)


@pytest.mark.parametrize("broken", [b'model = "nano', b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_an_error_that_names_it(home: Path, broken: bytes) -> None:
    write_config(home, "")
    (home / ".config" / "vidqa" / "config.toml").write_bytes(broken)
    with pytest.raises(SettingsError, match=r"config\.toml cannot be read") as caught:
        load_settings()
    assert caught.value.code == "config_unreadable"


def test_what_is_kept_has_a_place_and_a_size_of_its_own_or_is_turned_off(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIDQA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    plain = load_settings()
    assert (plain.cache, int(plain.cache_bytes), int(plain.prefix_bytes)) == (
        True,
        10 * 10**9,
        2 * 10**9,
    )
    assert plain.cache_folder.is_relative_to(home)
    assert plain.cache_folder.name == "vidqa" or plain.cache_folder.parent.name == "vidqa"
    monkeypatch.setenv("VIDQA_CACHE_BYTES", "500MB")
    monkeypatch.setenv("VIDQA_CACHE", "0")
    monkeypatch.setenv("VIDQA_CACHE_DIR", str(home / "mine"))
    own = load_settings()
    assert (own.cache, int(own.cache_bytes), own.cache_folder) == (
        False,
        500 * 10**6,
        home / "mine",
    )
    with pytest.raises(SettingsError, match="cache_bytes"):
        load_settings(cache_bytes="much")
