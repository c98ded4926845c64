"""No job works on a video that is longer than the settings allow, wherever it comes from."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vidqa.database import Database
from vidqa.errors import VideoError
from vidqa.fetching import Fetched
from vidqa.jobs.handlers import run
from vidqa.jobs.part import Rules
from vidqa.jobs.running import Runner
from vidqa.jobs.store import JobStore
from vidqa.jobs.work import Made, Work
from vidqa.service.library import Library, open_library
from vidqa.service.measuring import measure
from vidqa.service.owner import open_database
from vidqa.service.records import Job
from vidqa.service.requests import GroundRequest, Request
from vidqa.service_settings import ServiceSettings
from vidqa.video import media

DOOR = Path(__file__).resolve().parents[3] / "examples" / "door.mp4"
LENGTH_S = 19.0


class Bench:
    """A store, a library and a runner, without processes."""

    def __init__(self, folder: Path, longest_s: float) -> None:
        self.films = folder / "films"
        self.films.mkdir()
        self.path = Path(shutil.copy(DOOR, self.films / "door.mp4"))
        self.settings = ServiceSettings(
            data_dir=folder / "data",
            media_roots=(str(self.films),),
            allowed_media_domains=("media.example.org",),
            max_duration_s=longest_s,
        )
        self.database: Database = open_database(self.settings.database_place)
        self.store = JobStore(self.database, Rules(courtesy_s=5.0, patience_s=60.0))
        self.library: Library = open_library(self.database, self.settings.folder)
        self.asked: list[Path] = []

    def job(self, video: dict[str, str], handler: Callable[[Request, Work], Made]) -> Job:
        """The job about this video, once it has run."""
        request = {"video": video, "query": "a door opens"}
        made = self.store.submit("ann", "ground", request).job
        runner = Runner(self.store, self.library, self.settings, handler=handler)
        claim = self.store.claim("wrk_test", queues=("cpu", "gpu"))
        assert claim is not None
        runner.run(claim)
        return self.store.get("ann", made.id)

    def touch(self, request: Request, work: Work) -> Made:
        """Does what handlers do first, twice."""
        assert isinstance(request, GroundRequest)
        self.asked += [work.file(request.video), work.file(request.video)]
        return Made({"outcome": "found"}, "found", None)


def by_path(bench: Bench) -> dict[str, str]:
    return {"path": str(bench.path)}


def by_url(bench: Bench) -> dict[str, str]:
    return {"url": "https://media.example.org/door.mp4"}


def by_id(bench: Bench) -> dict[str, str]:
    file = Path(shutil.copy(DOOR, bench.library.incoming / "door"))
    sha256 = hashlib.sha256(DOOR.read_bytes()).hexdigest()
    return {"video_id": bench.library.adopt("ann", file, sha256, "door.mp4").id}


def by_id_measured(bench: Bench) -> dict[str, str]:
    found = by_id(bench)
    facts = measure(DOOR, media("isolated"))
    [video] = bench.library.unmeasured()
    bench.library.describe(video.sha256, facts=facts)
    return found


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(_url: str, folder: Path, _rules: Any) -> Fetched:
        return Fetched(Path(shutil.copy(DOOR, folder / "fetched")), "ab" * 32, 1, None)

    monkeypatch.setattr("vidqa.jobs.fetched.fetch", fetch)


@pytest.mark.usefixtures("fetched")
@pytest.mark.parametrize("where", [by_path, by_url, by_id, by_id_measured])
@pytest.mark.parametrize("longest_s", [LENGTH_S - 0.5, LENGTH_S])
def test_a_video_that_is_too_long_is_not_worked_on(
    where: Callable[[Bench], dict[str, str]], longest_s: float, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, longest_s)
    with bench.store:
        job = bench.job(where(bench), bench.touch)
    if longest_s >= LENGTH_S:
        assert (job.state, len(bench.asked)) == ("completed", 2)
        return
    assert (job.state, bench.asked) == ("failed", [])
    assert job.error is not None
    assert job.error["code"] == "video_too_long"
    assert job.error["message"] == "the video is 19 s long; 18.5 s are taken at most"


def test_our_own_handlers_refuse_it_before_a_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, 1.0)
    monkeypatch.setattr(Runner, "_opened", lambda _: pytest.fail("it loads a model"))
    with bench.store:
        job = bench.job(by_path(bench), run)
    assert job.error is not None
    assert job.error["code"] == "video_too_long"


def test_an_error_does_not_tell_where_a_file_of_the_library_lies(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LENGTH_S)

    def fail(request: Request, work: Work) -> Made:
        path = work.file(request.refs[0])
        raise VideoError(f"{path}: it breaks", code="undecodable", next_step="Send a whole one.")

    with bench.store:
        job = bench.job(by_id(bench), fail)
    assert job.error is not None
    assert job.error["message"] == "the video: it breaks"
