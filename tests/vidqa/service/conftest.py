"""An opened database of the service, of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vidqa.database import Database
from vidqa.service.owner import open_database


@pytest.fixture
def database(service_place: str) -> Iterator[Database]:
    opened = open_database(service_place)
    yield opened
    opened.close()
