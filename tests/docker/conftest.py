"""A PostgreSQL of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vidqa.postgres_server import postgres_folder, running_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server, without a database's name."""
    binaries = postgres_folder()
    if binaries is None:
        pytest.skip("needs PostgreSQL's initdb and postgres (Debian's package postgresql)")
    with running_server(binaries) as url:
        yield url
