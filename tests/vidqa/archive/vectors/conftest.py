"""Every implementation of the index, opened the same way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vidqa.archive.vectors.postgres import NoServerError, postgres_with_pgvector
from tests.vidqa.archive.vectors.sources import ExactIndex
from vidqa.archive.nearest import VectorIndex
from vidqa.archive.vectors.kinds import Sizes
from vidqa.archive.vectors.local import FaissIndex
from vidqa.archive.vectors.pgvector import PgvectorIndex

Open = Callable[[Any], VectorIndex]
LISTS = Sizes(flat_bytes=0)
"""Lists from the first vector on."""
KINDS = ["exact", "flat", "lists", "pgvector"]


@pytest.fixture(scope="session")
def pgvector_url() -> Iterator[str]:
    """A database with pgvector; a test that needs it is skipped where none can be started."""
    try:
        with postgres_with_pgvector() as url:
            yield url
    except NoServerError as err:
        pytest.skip(f"no PostgreSQL with pgvector: {err}")


@pytest.fixture(params=KINDS)
def open_index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the index of a source; a second time, the same one again. Closed at the end."""
    opened: list[VectorIndex] = []
    url = request.getfixturevalue("pgvector_url") if request.param == "pgvector" else None

    def open_(source: Any) -> VectorIndex:
        if not hasattr(source, "_renamed") and url is not None:
            source.name = f"{source.name} {uuid.uuid4()}"  # one database for all tests
            source._renamed = True
        index: VectorIndex
        if request.param == "exact":
            index = ExactIndex(source)
        elif request.param == "pgvector":
            assert url is not None
            index = PgvectorIndex(url, source)
        else:
            sizes = LISTS if request.param == "lists" else None
            index = FaissIndex(tmp_path / source.name, source, sizes)
        opened.append(index)
        return index

    yield open_
    for index in opened:
        index.close()
