"""URLs: refused unless allowed by name; fetched whole, below a limit, digest on the way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from vidqa.archive.discover import Discovery, Place
from vidqa.archive.records import Location
from vidqa.archive.remote import Remote
from vidqa.errors import ArchiveError, VideoError


@pytest.fixture
def memory() -> Iterator[Remote]:
    system = fsspec.filesystem("memory")
    for name in ("/bucket/a.mp4", "/bucket/sub/b.mp4", "/other/c.mp4"):
        system.pipe(name, name.encode() * 1000)
    yield Remote(allowed=("memory://bucket",))
    system.rm("/bucket", recursive=True)
    system.rm("/other", recursive=True)


def urls(remote: Remote, url: str) -> list[str]:
    places = Discovery(remote).places([url])
    return [place.location.url for place in places if isinstance(place, Place)]


@pytest.mark.parametrize(
    "url",
    [
        "memory://other/c.mp4",
        "memory://bucket2/a.mp4",
        "memory://bucket/../other/c.mp4",
        "file:///etc/passwd",
        "https://bucket/a.mp4",
        "simplecache::memory://bucket/a.mp4",
        "memory://bucket::file:///etc/passwd",
        "http://bucket@evil.example/a.mp4",
    ],
)
def test_what_no_prefix_names_is_refused(memory: Remote, url: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        urls(memory, url)
    assert caught.value.code in ("url_refused", "nothing_there")


def test_nothing_is_allowed_by_default() -> None:
    with pytest.raises(ArchiveError, match="nothing is fetched"):
        urls(Remote(), "memory://bucket/a.mp4")


def test_files_folders_and_patterns_are_listed(memory: Remote) -> None:
    assert urls(memory, "memory://bucket/a.mp4") == ["memory://bucket/a.mp4"]
    both = ["memory://bucket/a.mp4", "memory://bucket/sub/b.mp4"]
    assert urls(memory, "memory://bucket") == both
    assert urls(memory, "memory://bucket/**/*.mp4") == both
    assert urls(memory, "memory://bucket/*.mp4") == both[:1]


def test_a_fetched_file_has_its_digest_and_is_removed(memory: Remote) -> None:
    location = next(memory.locations("memory://bucket/a.mp4"))
    with memory.fetched(location) as fetched:
        data = fetched.path.read_bytes()
        assert fetched.sha256 == hashlib.sha256(data).hexdigest()
        assert len(data) == location.size
    assert not fetched.path.exists()


def test_a_file_that_is_larger_than_allowed_is_not_kept(memory: Remote, tmp_path: Path) -> None:
    small = Remote(allowed=memory.allowed, largest=100)
    location = next(memory.locations("memory://bucket/a.mp4"))
    with pytest.raises(VideoError, match="larger than") as caught, small.fetched(location):
        pass
    assert caught.value.code == "file_too_large"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.path == "/away.mp4":
            self.send_response(302)
            self.send_header("Location", "/a.mp4")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.command == "HEAD":
            super().do_HEAD()
        else:
            super().do_GET()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp", reason="http needs the extra 'urls'")
    (tmp_path / "a.mp4").write_bytes(b"0123456789" * 1000)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_on_the_web_is_fetched_and_known_again_by_what_its_server_says(server: str) -> None:
    remote = Remote(allowed=(server,))
    location = next(remote.locations(f"{server}/a.mp4"))
    assert location.size == 10_000
    assert location == next(remote.locations(f"{server}/a.mp4"))
    assert location.modified_ns > 0
    with remote.fetched(location) as fetched:
        assert fetched.path.read_bytes() == b"0123456789" * 1000


def test_a_redirect_is_not_followed(server: str) -> None:
    remote = Remote(allowed=(server,))
    location = Location(url=f"{server}/away.mp4", size=0, modified_ns=0)
    with remote.fetched(location) as fetched:
        assert fetched.path.read_bytes() == b""


def test_what_is_not_there_is_told(server: str) -> None:
    remote = Remote(allowed=(server,))
    with pytest.raises(ArchiveError) as caught:
        list(remote.locations(f"{server}/none.mp4"))
    assert caught.value.code == "nothing_there"
