"""The page before the real service: its application, its worker, and nano."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect
from pydantic import ByteSize

from tests.vidqa.api.page.conftest import EXAMPLES
from tests.vidqa.api.page.driving import plays, second_of, until
from vidqa.api.app import make_app
from vidqa.jobs.embedded import EmbeddedWorker
from vidqa.service_settings import ServiceSettings

PATIENCE_MS = 120_000
"""A worker loads its model first, and a machine may be busy."""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a service with a worker, everything it keeps in a folder of the test's."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("clips and frames need the ffmpeg program")
    monkeypatch.setenv("VIDQA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("VIDQA_ARCHIVE_DIR", str(tmp_path / "archive"))
    settings = ServiceSettings(data_dir=tmp_path / "data", min_free_bytes=ByteSize(0))
    app = make_app(settings)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_config=None, log_level="critical", ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with EmbeddedWorker(settings):
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


def test_a_file_is_uploaded_asked_marked_played_exported_and_found_in_the_archive(
    page: Page, service: str
) -> None:
    page.goto(service)
    page.set_input_files("#file", EXAMPLES / "door.mp4")
    expect(page.locator("#watch-title")).to_have_text("door.mp4")
    page.fill("#words", "person opens door")
    page.keyboard.press("Enter")
    expect(page.locator(".outcome.found")).to_have_text("Found once", timeout=PATIENCE_MS)
    page.locator(".mark").click()
    until(lambda: plays(page))
    assert 6.0 <= second_of(page) < 11.0
    frame = page.locator(".frame img").first
    expect(frame).to_have_js_property("naturalWidth", 448, timeout=PATIENCE_MS)
    with page.expect_download() as subtitles:
        page.get_by_role("button", name="SRT").click()
    assert "person opens door" in Path(subtitles.value.path()).read_text()

    page.get_by_role("link", name="Archive").click()
    page.locator("#archive-result").get_by_role("button", name="Add videos").click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".summary h2")).to_have_text("1 video read", timeout=PATIENCE_MS)
    page.fill("#archive-words", "person opens door")
    page.keyboard.press("Enter")
    expect(page.locator(".hit").first).to_contain_text("confirmed", timeout=PATIENCE_MS)
    page.locator(".hit").first.click()
    until(lambda: plays(page, ".place-video"))
