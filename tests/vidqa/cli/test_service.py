"""``vidqa jobs``, ``vidqa keys`` and ``vidqa worker`` as somebody at a terminal meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vidqa.cli.main import app
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service_settings import ServiceSettings

GROUND = {"video": {"path": "/films/door.mp4"}, "query": "person opens door"}


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_jobs(ServiceSettings(data_dir=tmp_path)) as opened:
        yield opened


def run(tmp_path: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--data-dir", str(tmp_path)])


def submitted(store: JobStore, tenant: str = "ann") -> str:
    return store.submit(tenant, "ground", GROUND).job.id


def ended(store: JobStore, outcome: str) -> str:
    job_id = submitted(store)
    claim = store.claim("w", queues=("gpu",), job_id=job_id)
    assert claim is not None
    store.finish(claim, {"outcome": outcome, "segments": []}, outcome)
    return job_id


def test_a_list_without_jobs_exits_with_1(tmp_path: Path, store: JobStore) -> None:
    assert run(tmp_path, "jobs", "ls").exit_code == 1


def test_jobs_of_all_tenants_are_listed_newest_first(tmp_path: Path, store: JobStore) -> None:
    ids = sorted([submitted(store), submitted(store, "bob")], reverse=True)
    told = json.loads(run(tmp_path, "jobs", "ls", "--json").stdout)
    assert [job["id"] for job in told["jobs"]] == ids
    lines = run(tmp_path, "jobs", "ls", "--tenant", "bob").stdout.splitlines()
    assert len(lines) == 2
    assert lines[1].endswith("bob")


def test_a_list_leads_from_page_to_page(tmp_path: Path, store: JobStore) -> None:
    for _ in range(3):
        submitted(store)
    first = run(tmp_path, "jobs", "ls", "-n", "2").stdout.splitlines()
    token = first[-1].removeprefix("more: --page-token ")
    second = run(tmp_path, "jobs", "ls", "-n", "2", "--page-token", token)
    assert len(second.stdout.splitlines()) == 2


def test_a_state_that_there_is_not_is_an_error(tmp_path: Path, store: JobStore) -> None:
    told = run(tmp_path, "jobs", "ls", "--state", "lost")
    assert told.exit_code == 2
    assert "no job is 'lost'" in told.stderr


def test_a_job_is_shown_with_its_request_and_its_error(tmp_path: Path, store: JobStore) -> None:
    job_id = submitted(store)
    claim = store.claim("w", queues=("gpu",))
    assert claim is not None
    store.fail(claim, {"code": "c", "message": "it broke", "next_step": "Mend it."})
    shown = run(tmp_path, "jobs", "show", job_id).stdout
    assert "person opens door" in shown
    assert "it broke  [c]" in shown
    assert "Mend it." in shown
    assert json.loads(run(tmp_path, "jobs", "show", job_id, "--json").stdout)["state"] == "failed"


def test_a_result_is_shown_as_it_is(tmp_path: Path, store: JobStore) -> None:
    job_id = ended(store, "found")
    told = run(tmp_path, "jobs", "show", job_id, "--result").stdout
    assert json.loads(told) == {"outcome": "found", "segments": []}


def test_a_job_that_is_not_there_exits_with_2(tmp_path: Path, store: JobStore) -> None:
    told = run(tmp_path, "jobs", "show", "job_nowhere")
    assert told.exit_code == 2
    assert "[job_missing]" in told.stderr


def test_jobs_are_cancelled_and_tried_again(tmp_path: Path, store: JobStore) -> None:
    ids = [submitted(store), submitted(store)]
    assert run(tmp_path, "jobs", "cancel", *ids).stdout == "".join(f"{i} cancelled\n" for i in ids)
    told = json.loads(run(tmp_path, "jobs", "retry", *ids, "--json").stdout)
    assert [job["state"] for job in told] == ["queued", "queued"]
    assert run(tmp_path, "jobs", "retry", ids[0]).exit_code == 2


@pytest.mark.parametrize(("outcome", "code"), [("found", 0), ("not_found", 1), ("uncertain", 1)])
def test_waiting_exits_as_the_question_would(
    tmp_path: Path, store: JobStore, outcome: str, code: int
) -> None:
    assert run(tmp_path, "jobs", "wait", ended(store, outcome)).exit_code == code


def test_waiting_for_what_does_not_end_in_time_exits_with_2(
    tmp_path: Path, store: JobStore
) -> None:
    told = run(tmp_path, "jobs", "wait", submitted(store), "--timeout", "0")
    assert told.exit_code == 2
    assert "is queued after 0 s" in told.stderr


def test_waiting_for_a_cancelled_job_exits_with_2(tmp_path: Path, store: JobStore) -> None:
    job_id = submitted(store)
    store.cancel("ann", job_id)
    assert run(tmp_path, "jobs", "wait", job_id).exit_code == 2


def test_a_key_is_printed_once_listed_and_revoked(tmp_path: Path) -> None:
    key = run(tmp_path, "keys", "add", "laptop").stdout.strip()
    assert key.startswith("vidqa_")
    [listed] = json.loads(run(tmp_path, "keys", "ls", "--json").stdout)
    assert (listed["name"], listed["tenant"]) == ("laptop", "local")
    assert listed["scopes"] == ["read", "write"]
    assert key not in run(tmp_path, "keys", "ls").stdout
    assert "revoked" in run(tmp_path, "keys", "rm", listed["id"]).stdout
    [listed] = json.loads(run(tmp_path, "keys", "ls", "--json").stdout)
    assert listed["revoked_at"] is not None


def test_a_key_with_a_scope_that_there_is_not_is_refused(tmp_path: Path) -> None:
    told = run(tmp_path, "keys", "add", "laptop", "--scope", "root")
    assert told.exit_code == 2
    assert "no scope 'root'" in told.stderr
    assert run(tmp_path, "keys", "ls").exit_code == 1


def test_a_worker_of_a_queue_that_there_is_not_is_refused(tmp_path: Path) -> None:
    told = run(tmp_path, "worker", "--queue", "tpu")
    assert told.exit_code == 2
    assert "no queue 'tpu'" in told.stderr
