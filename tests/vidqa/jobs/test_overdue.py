"""A job into which whoever runs its process throws that its time is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidqa.jobs.part import Rules
from vidqa.jobs.running import Runner
from vidqa.jobs.store import JobStore
from vidqa.jobs.work import Made, Work
from vidqa.service.library import open_library
from vidqa.service.owner import open_database
from vidqa.service.requests import Request
from vidqa.service_settings import ServiceSettings


class TimeIsUp(Exception):  # noqa: N818
    """Celery's is named so too."""


@pytest.mark.parametrize(("overdue", "code"), [((TimeIsUp,), "job_timeout"), ((), "job_crashed")])
def test_a_job_whose_time_is_up_has_not_crashed(
    tmp_path: Path, overdue: tuple[type[Exception], ...], code: str
) -> None:
    settings = ServiceSettings(data_dir=tmp_path)
    database = open_database(settings.database_place)

    def handler(_request: Request, _work: Work) -> Made:
        raise TimeIsUp

    with JobStore(database, Rules(courtesy_s=5.0, patience_s=60.0)) as store:
        library = open_library(database, settings.folder)
        made = store.submit("ann", "ground", {"video": {"path": "a.mp4"}, "query": "q"}).job
        claim = store.claim("wrk_test", queues=("cpu", "gpu"))
        assert claim is not None
        Runner(store, library, settings, handler=handler, overdue=overdue).run(claim)
        job = store.get("ann", made.id)
    assert job.state == "failed"
    assert job.error is not None
    assert job.error["code"] == code
