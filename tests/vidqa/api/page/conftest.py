"""A service for the page, in a thread on a free port, and Debian's Chromium before it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.vidqa.api.page.fake_service import FakeService

CHROMIUM = Path("/usr/bin/chromium")
EXAMPLES = Path(__file__).parents[4] / "examples"


class Served:
    """A service that runs, and where."""

    def __init__(self, service: FakeService, url: str) -> None:
        self.service = service
        self.url = url


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A service without videos."""
    service = FakeService(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        config = uvicorn.Config(
            service.app(), log_level="critical", timeout_graceful_shutdown=1, ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Served(service, f"http://127.0.0.1:{port}")
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file: while it runs, no other test can run an event loop."""
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: apt install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser at desktop size; every test's port is an origin with a storage of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab whose console has to stay clean: no error, no violation of the policy."""
    page = context.new_page()
    wrong: list[str] = []
    page.on(
        "console",
        lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda err: wrong.append(str(err)))
    yield page
    page.close()
    told = [line for line in wrong if "Failed to load resource" not in line]
    assert told == []


@pytest.fixture
def door(served: Served) -> str:
    """The id of ``examples/door.mp4`` in the library."""
    return served.service.add_video(EXAMPLES / "door.mp4")


@pytest.fixture(scope="session")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s of video whose first frame comes 3 s after the file's clock begins."""
    path = tmp_path_factory.mktemp("late") / "late.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for n in range(40):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 5 * n, np.uint8), "rgb24")
            frame.pts, frame.time_base = n + 30, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
