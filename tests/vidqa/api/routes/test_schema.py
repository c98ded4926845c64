"""The OpenAPI document tells the truth: schemathesis finds no 5xx, no answer it does not know."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from benchmarks.service_schema import check
from tests.vidqa.api.routes.conftest import Stand


def test_cases_made_from_the_document_find_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDQA_ARCHIVE_DIR", "")  # set by the run itself, and put back here
    report = check(3, phases="examples,fuzzing")
    assert report.failures == 0, report.text
    assert report.cases >= 80


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_has_a_summary_and_every_body_an_example(stand: Stand) -> None:
    document = stand.app.openapi()
    for method, path, operation in operations(stand.app):
        assert operation.get("summary"), (method, path)
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        schema = content["schema"]
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        whole = str(document["components"]["schemas"].get(name, schema))
        assert "example" in whole + str(content), (method, path)


def test_ids_of_operations_are_one_of_a_kind(stand: Stand) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(stand.app)]
    assert len(ids) == len(set(ids))
