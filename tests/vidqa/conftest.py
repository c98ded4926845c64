"""A clip whose brightness tells the time, and databases of the tests' own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.vidqa.postgres_server import postgres_folder, running_server
from tests.vidqa.service.places import empty_postgres, made_postgres, made_sqlite


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 s of 64 x 64 at 10 frames per second; frame n is a grey of 2 n."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "1"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for n in range(80):
            picture = np.full((64, 64, 3), 2 * n, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server, without a database's name."""
    binaries = postgres_folder()
    if binaries is None:
        pytest.skip("needs PostgreSQL's initdb and postgres (Debian's package postgresql)")
    with running_server(binaries) as url:
        yield url


@pytest.fixture(scope="session")
def service_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be copied, never opened."""
    return made_sqlite(tmp_path_factory.mktemp("template") / "service.db")


@pytest.fixture(scope="session")
def postgres_service(postgres_server: str) -> str:
    """One for all tests, emptied before each."""
    return made_postgres(postgres_server)


@pytest.fixture(params=["sqlite", "postgres"])
def service_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database of the newest schema lies."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("service_template")
        return str(shutil.copy(template, tmp_path / "service.db"))
    url: str = request.getfixturevalue("postgres_service")
    empty_postgres(url)
    return url
