"""Every error is a problem; every answer has its ids."""

from __future__ import annotations

import json
import logging

import pytest
import structlog
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.testclient import TestClient

from tests.vidqa.api.conftest import Keys, client_of
from vidqa.api import problems
from vidqa.api.callers import Reader, Writer
from vidqa.errors import ModelError, VideoError

_router = APIRouter()


class _Body(BaseModel):
    text: str
    parts: list[int] = []


@_router.post("/try/body")
async def _take(body: _Body, _caller: Writer) -> _Body:
    return body


@_router.get("/try/query")
async def _query(size: int, _caller: Reader) -> int:
    return size


@_router.get("/try/raise/{what}")
async def _raise(what: str, _caller: Reader) -> None:
    if what == "video":
        raise VideoError("cut short", code="undecodable", next_step="Send a whole file.")
    if what == "model":
        raise ModelError("no room", code="out_of_memory", next_step="Wait.")
    raise ZeroDivisionError("a secret of ours")


@pytest.fixture
def trial(app: FastAPI) -> TestClient:
    app.include_router(_router)
    return client_of(app)


def test_an_error_of_ours_is_a_problem_with_all_its_members(trial: TestClient) -> None:
    answer = trial.get("/try/raise/video", headers={"x-request-id": "mine-1"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/v1/problems/undecodable",
        "title": "Undecodable",
        "status": 422,
        "detail": "cut short",
        "instance": "/try/raise/video",
        "code": "undecodable",
        "stage": "video",
        "retryable": False,
        "next_step": "Send a whole file.",
        "request_id": "mine-1",
    }
    assert answer.status_code == 422


def test_an_error_that_may_pass_says_when_to_try_again(trial: TestClient) -> None:
    answer = trial.get("/try/raise/model")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_what_nobody_foresaw_is_told_to_the_log_alone(trial: TestClient) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = trial.get("/try/raise/other")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [line["event"] for line in lines] == ["request.failed", "request"]


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"parts": [1]}, 422, [{"pointer": "/text", "detail": "Field required"}]),
        (
            {"text": "a", "parts": [1, "x"]},
            422,
            [
                {
                    "pointer": "/parts/1",
                    "detail": "Input should be a valid integer, unable to parse string as an"
                    " integer",
                }
            ],
        ),
    ],
)
def test_a_body_that_does_not_fit_says_where(
    body: object, status: int, where: object, trial: TestClient
) -> None:
    answer = trial.post("/try/body", json=body)
    assert (answer.status_code, answer.json()["errors"]) == (status, where)


def test_a_parameter_that_does_not_fit_is_named(trial: TestClient) -> None:
    told = trial.get("/try/query", params={"size": "many"}).json()
    assert told["errors"][0]["parameter"] == "size"


def test_a_body_that_is_not_json_is_400(trial: TestClient) -> None:
    answer = trial.post(
        "/try/body", content=b"{not json", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "body_not_json")


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_413_and_not_read(declared: bool, trial: TestClient) -> None:
    sent = []

    def body():
        for _ in range(100):
            sent.append(1)
            yield b" " * 65_536

    headers = {"content-type": "application/json"}
    if declared:
        headers["content-length"] = str(100 * 65_536)
    answer = trial.post("/try/body", content=body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "route_unknown"),
        ("PUT", "/healthz", 405, "method_not_allowed"),
        ("GET", "/v1/problems/none", 404, "problem_unknown"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(
    method: str, path: str, status: int, code: str, http: TestClient
) -> None:
    answer = http.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_problems_type_leads_to_what_it_means(http: TestClient) -> None:
    for kind in http.get("/v1/problems").json()["problems"]:
        assert http.get(f"/v1/problems/{kind['code']}").json() == kind


@given(st.dictionaries(st.text(max_size=5), st.none(), max_size=3), st.text(max_size=50))
def test_any_detail_can_be_told(names: dict[str, None], detail: str) -> None:
    problem = problems.Problem(
        status=400, code="x", stage="request", detail=detail, next_step=str(names)
    )
    answer = problems.response_of(problem, {"type": "http", "path": detail})
    assert json.loads(answer.body)["status"] == 400


@pytest.mark.parametrize("given_id", [None, "", "two words", "x" * 129, "a\x7fb"])
def test_a_request_id_that_could_harm_a_log_is_replaced(
    given_id: str | None, http: TestClient
) -> None:
    headers = {} if given_id is None else {"x-request-id": given_id}
    assert http.get("/healthz", headers=headers).headers["x-request-id"].startswith("req_")


def test_a_trace_goes_on_with_a_span_of_ours(http: TestClient) -> None:
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    given = f"00-{trace}-{span}-01"
    told = http.get("/healthz", headers={"traceparent": given}).headers["traceparent"]
    assert told.startswith(f"00-{trace}-")
    assert told.endswith("-01")
    assert span not in told


@pytest.mark.parametrize(
    "given", ["", "00-zz-00-01", f"ff-{'1' * 32}-{'1' * 16}-01", f"00-{'0' * 32}-{'1' * 16}-01"]
)
def test_a_trace_that_cannot_be_read_is_begun_anew(given: str, http: TestClient) -> None:
    told = http.get("/healthz", headers={"traceparent": given}).headers["traceparent"]
    assert len(told) == 55
    assert told[3:35] not in given


def test_a_request_is_one_line_with_who_and_what(http: TestClient, keys: Keys) -> None:
    key = keys.add("read")
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        http.get("/v1/problems/none", headers={**key, "x-request-id": "mine"})
    (line,) = lines
    assert line.pop("ms") >= 0
    assert len(line.pop("trace_id")) == 32
    assert line.pop("key_id").startswith("key_")
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "path": "/v1/problems/none",
        "route": "/v1/problems/{code}",
        "status": 404,
        "code": "problem_unknown",
        "tenant": "one",
        "request_id": "mine",
    }


def test_the_document_has_one_id_an_operation_and_the_problem_schema(http: TestClient) -> None:
    document = http.get("/openapi.json").json()
    operations = [op for path in document["paths"].values() for op in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all("default" in operation["responses"] for operation in operations)
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert document["security"] == [{"key": []}]
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_a_route_without_a_scope_does_not_start(app: FastAPI) -> None:
    from vidqa.api.scopes import check_scopes

    app.add_api_route("/forgotten", lambda: None)
    with pytest.raises(RuntimeError, match="GET /forgotten"):
        check_scopes(app)


@pytest.mark.parametrize("form", ["json", "text"])
def test_log_lines_of_libraries_look_like_ours(form: str) -> None:
    import io

    from vidqa.logs import configure_logs

    before, level = logging.getLogger().handlers[:], logging.getLogger().level
    out = io.StringIO()
    try:
        configure_logs(form, stream=out)  # type: ignore[arg-type]
        structlog.get_logger("try").info("ours", n=1)
        logging.getLogger("somebody.elses").warning("theirs %d", 2)
        structlog.get_logger("try").debug("unheard")
    finally:
        logging.getLogger().handlers[:] = before
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
    first, second = out.getvalue().splitlines()
    if form == "json":
        assert json.loads(first)["event"] == "ours"
        assert json.loads(second)["event"] == "theirs 2"
        assert json.loads(second)["level"] == "warning"
    else:
        assert "ours" in first
        assert "theirs 2" in second
