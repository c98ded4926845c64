"""An empty store of jobs over each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vidqa.jobs.part import Rules
from vidqa.jobs.store import JobStore
from vidqa.service.owner import open_database

RULES = Rules(courtesy_s=5.0, patience_s=60.0)


@pytest.fixture
def store(service_place: str) -> Iterator[JobStore]:
    with JobStore(open_database(service_place), RULES) as opened:
        yield opened
