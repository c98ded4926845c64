"""Every code that vidqa raises has a status that somebody chose, or never reaches a request."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from vidqa import errors
from vidqa.api import statuses
from vidqa.api.statuses import STATUS_OF_CODE, STATUS_OF_STAGE
from vidqa.errors import VidqaError
from vidqa.video import FILE_CODES

ROOT = Path(__file__).resolve().parents[3]
SHELLS = ("vidqa/cli", "vidqa/bench", "vidqa/client", "vidqa/api/serving")
"""What only other programs than the API and its workers run."""
INTERNAL = frozenset(
    {
        # the start of a service or a worker, and its settings: told to whoever starts it
        *("broker_away", "broker_driver", "broker_missing", "config_unreadable", "fault_unknown"),
        *("handler_unknown", "service_folder", "setting_invalid", "setting_unknown"),
        *("key_impossible", "webhook_secret_invalid", "webhook_secrets"),
        # a checkpoint that a worker cannot run: the stage's 500, for no other request does better
        *("calibration_impossible", "calibration_unusable", "device_missing"),
        *("familiar_unusable", "model_config_unreadable", "model_failed", "model_incomplete"),
        *("model_missing", "model_unknown", "profile_unknown", "reach_impossible"),
        *("vectors_impossible",),
        # caches and archives that cannot be used or trusted: the stage's 500
        *("archive_mean", "archive_unnamed", "archive_vector", "bad_ids", "bad_k", "bad_source"),
        *("cache_damaged", "cache_too_small", "cache_unreadable", "cache_unwritable"),
        *("claim_lease", "clip_twice", "index_closed", "index_dropped", "index_forked"),
        *("index_moved", "index_refused", "index_unwritable", "pgvector_missing"),
        *("pgvector_old", "too_wide", "url_unsupported"),
        # findings of a check, and names of databases: no errors
        *("archive", "damaged", "gap", "miscounted", "orphans", "service", "serving", "vector"),
        # files that the command line and Python write, readers that they choose
        *("clip_exists", "clip_folder_missing", "clip_format_unknown", "clip_is_folder"),
        *("clip_is_source", "labels_unreadable", "output_unwritable", "reader_missing"),
        *("reader_unknown", "reader_unsupported", "result_unreadable", "sampling_unknown"),
        *("sheet_format_unknown", "sheet_impossible", "sheet_unwritable", "threads_impossible"),
    }
)


def raised() -> dict[str, set[str]]:
    """Every ``code="..."`` of a call, and every ``"code": "..."`` of an error in JSON, with the
    files it stands in."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in (*ROOT.glob("vidqa/**/*.py"), *ROOT.glob("workers/**/*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for code in codes_of(node):
                found[code].add(name)
    return found


def codes_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Call):
        pairs = [(each.arg, each.value) for each in node.keywords]
    elif isinstance(node, ast.Dict):
        pairs = [
            (key.value, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        ]
    else:
        return []
    values = [value for name, value in pairs if name == "code"]
    return [
        value.value
        for value in values
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    ]


RAISED = raised()


def test_every_code_has_a_status_or_never_reaches_a_request() -> None:
    asked = {
        code for code, files in RAISED.items() if not all(file.startswith(SHELLS) for file in files)
    }
    assert asked - set(STATUS_OF_CODE) - INTERNAL == set()


def test_no_code_is_both_and_none_is_left_over() -> None:
    assert set(STATUS_OF_CODE) & INTERNAL == set()
    assert set(RAISED) >= INTERNAL


def test_no_code_has_two_statuses() -> None:
    assert len(STATUS_OF_CODE) == sum(len(codes) for codes in statuses._CODES.values())


@pytest.mark.parametrize("code", sorted({*FILE_CODES, "not_a_picture", "video_too_long"}))
def test_what_is_wrong_with_a_file_is_not_the_services_fault(code: str) -> None:
    assert 400 <= STATUS_OF_CODE[code] < 500


def test_every_stage_has_a_status() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    stages = {kind.stage for kind in kinds if issubclass(kind, VidqaError)}
    assert stages - {VidqaError.stage} == set(STATUS_OF_STAGE)
