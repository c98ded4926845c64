"""When a video was recorded: metadata first, then what its name spells."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.archive.recorded import APPLE, recorded_at, time_in_name

NOON = datetime(2026, 11, 25, 14, 22, 33)  # noqa: DTZ001
PATTERNS = (
    "%Y%m%d_%H%M%S.mp4",
    "VID_%Y%m%d_%H%M%S.mp4",
    "%Y-%m-%d %H.%M.%S.mov",
    "%Y-%m-%d %H-%M-%S.mkv",
    "%Y-%m-%d_%H-%M-%S-front.mp4",
    "%Y%m%d_%H%M%S_NF.mp4",
    "%Y_%m%d_%H%M%S_0001F.MP4",
    "REC_%Y_%m_%d_%H_%M_%S_F.MP4",
    "Screen Recording %Y-%m-%d at %H.%M.%S.mov",
    "Screenrecorder-%Y-%m-%d-%H-%M-%S.mp4",
    "%Y%m%d%H%M%S.avi",
    "FILE%y%m%d-%H%M%SF.MP4",
    "Garten %Y-%m-%dT%H:%M:%S ünïcode.mp4",
)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59, 59)))  # noqa: DTZ001
def test_every_moment_is_read_from_the_names_that_cameras_give(pattern: str, at: datetime) -> None:
    at = at.replace(microsecond=0)
    assert time_in_name(at.strftime(pattern)) == at


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("PXL_20261125_142233123.mp4", NOON.replace(tzinfo=timezone.utc)),
        ("PXL_20261125_142233123.LS.mp4", NOON.replace(tzinfo=timezone.utc)),
        ("20261125_142233_456.mp4", NOON),
        ("Screen Recording 2026-11-25 at 2.22.33 PM.mov", NOON),
        ("Screen Recording 2026-11-25 at 12.22.33 AM.mov", NOON.replace(hour=0)),
        ("VID-20261125-WA0007.mp4", NOON.replace(hour=0, minute=0, second=0)),
        ("2026-11-25.mp4", NOON.replace(hour=0, minute=0, second=0)),
        ("cam2_20261125_142233.mp4", NOON),
    ],
)
def test_other_spellings_are_read_too(name: str, at: datetime) -> None:
    assert time_in_name(name) == at


@pytest.mark.parametrize(
    "name",
    [
        "GX010042.MP4",
        "IMG_1234.MOV",
        "clip.mp4",
        "20261325_142233.mp4",
        "12345678901234567.mp4",
        "19000101.mp4",
        "holiday 2026.mp4",
        "1920x1080.mp4",
        "",
    ],
)
def test_names_that_spell_no_moment_tell_none(name: str) -> None:
    assert time_in_name(name) is None


@given(st.text(max_size=60), st.dictionaries(st.just("creation_time"), st.text(max_size=40)))
def test_no_name_and_no_metadata_is_an_error(name: str, tags: dict[str, str]) -> None:
    recorded = recorded_at(name, tags)
    assert (recorded.at is None) == (recorded.source == "unknown")


def test_metadata_goes_before_the_name_and_is_told_in_utc() -> None:
    tags = {"creation_time": "2026-11-24T09:00:00.000000Z"}
    found = recorded_at("20261125_142233.mp4", tags)
    assert found == (datetime(2026, 11, 24, 9, tzinfo=timezone.utc), "metadata")


def test_quicktimes_own_key_goes_before_the_moment_of_an_export() -> None:
    tags = {"creation_time": "2026-11-26T09:00:00Z", APPLE: "2026-11-25T15:22:33+0100"}
    assert recorded_at("a.mov", tags).at == NOON.replace(tzinfo=timezone.utc)


@pytest.mark.parametrize("unset", ["1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", "2026"])
def test_a_clock_that_was_never_set_is_not_believed(unset: str) -> None:
    found = recorded_at("20261125_142233.mp4", {"creation_time": unset})
    assert found == (NOON, "name")
