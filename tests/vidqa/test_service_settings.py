"""Settings of the service, beside those of a session in the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidqa.errors import SettingsError
from vidqa.service_settings import ServiceSettings, load_service_settings
from vidqa.settings import load_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write_config(home: Path, text: str) -> None:
    folder = home / ".config" / "vidqa"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(text)


def test_without_anything_set_the_service_is_for_this_machine_alone() -> None:
    settings = load_service_settings()
    assert (settings.host, settings.broker) == ("127.0.0.1", None)
    assert (settings.media_roots, settings.allowed_media_domains) == ((), ())
    assert settings.cors_origins == ()
    assert settings.database_place == str(settings.folder / "service.db")


def test_one_file_serves_both_kinds_of_settings(home: Path) -> None:
    write_config(home, 'model = "7b"\nport = 9000\nmedia_roots = ["~/films"]\n')
    assert load_service_settings().port == 9000
    assert load_service_settings().media_roots == (f"{home}/films",)
    assert load_settings().model == "7b"


def test_a_name_that_neither_knows_is_an_error_for_both(home: Path) -> None:
    write_config(home, "prot = 9000\n")
    for load in (load_service_settings, load_settings):
        with pytest.raises(SettingsError, match="no setting 'prot'"):
            load()


def test_lists_in_variables_are_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDQA_MEDIA_ROOTS", "/films, /clips,")
    monkeypatch.setenv("VIDQA_WEBHOOK_SECRETS", "xyzzy,other")
    settings = load_service_settings()
    assert settings.media_roots == ("/films", "/clips")
    assert [each.get_secret_value() for each in settings.webhook_secrets] == ["xyzzy", "other"]
    assert "xyzzy" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "name"), [({"port": 65_536}, "port"), ({"attempts": 0}, "attempts")]
)
def test_an_impossible_setting_is_an_error_that_names_it(
    given: dict[str, object], name: str
) -> None:
    with pytest.raises(SettingsError, match=name):
        load_service_settings(**given)


def test_a_lease_holds_two_heartbeats_at_least() -> None:
    with pytest.raises(SettingsError, match="half of lease_s"):
        load_service_settings(lease_s=5, heartbeat_s=3)


def test_a_job_is_kept_as_long_as_a_key_stands_for_it() -> None:
    assert load_service_settings(jobs_keep_s=86_400).jobs_keep_s == 86_400
    with pytest.raises(SettingsError, match="at least idempotency_keep_s"):
        load_service_settings(jobs_keep_s=3_600)


def test_settings_survive_the_way_into_another_process() -> None:
    settings = ServiceSettings(
        data_dir=Path("/data"), media_roots="/a,/b", lease_s=7, heartbeat_s=2
    )
    told = settings.model_dump(mode="json", exclude={"webhook_secrets"})
    again = ServiceSettings(**{name: value for name, value in told.items() if value is not None})
    assert again == settings
