"""A service that wants a key: asked for once, kept in the tab, added to pictures and films too."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.vidqa.api.page.conftest import Served
from tests.vidqa.api.page.driving import ask, second_of, until

KEY = "vk_0123456789"


@pytest.fixture
def locked(page: Page, served: Served, door: str) -> Page:
    """The page before a service with a key."""
    served.service.key = KEY
    page.goto(served.url)
    return page


def _enter(page: Page, key: str) -> None:
    expect(page.locator("#key-input")).to_be_focused()
    page.fill("#key-input", key)
    page.keyboard.press("Enter")


def test_the_key_is_asked_for_and_what_was_wanted_is_done(locked: Page) -> None:
    _enter(locked, KEY)
    expect(locked.locator("#library-list li")).to_have_count(1)
    assert locked.evaluate("[sessionStorage.length, localStorage.length]") == [1, 0]
    locked.reload()
    expect(locked.locator("#library-list li")).to_have_count(1)


def test_a_wrong_key_is_asked_for_again_and_said_to_be_refused(locked: Page) -> None:
    _enter(locked, "vk_wrong")
    expect(locked.get_by_role("alert").first).to_contain_text("This service needs a key.")
    locked.reload()
    expect(locked.locator("#key-error")).to_contain_text("The key was refused")
    _enter(locked, KEY)
    expect(locked.locator("#library-list li")).to_have_count(1)


def test_films_and_frames_come_with_the_key_in_no_address(locked: Page, served: Served) -> None:
    asked: list[str] = []
    locked.on("request", lambda request: asked.append(request.url))
    _enter(locked, KEY)
    locked.locator("#library-list a").click()
    ask(locked, "person opens door")
    frame = locked.locator(".frame img").first
    until(lambda: frame.evaluate("image => image.naturalWidth") == 224)
    locked.locator(".mark").click()
    until(lambda: second_of(locked) > 6.7)
    assert all(KEY not in url for url in asked)


def test_a_key_can_be_forgotten(locked: Page) -> None:
    _enter(locked, KEY)
    locked.get_by_role("button", name="API key").click()
    locked.get_by_role("button", name="Forget the key").click()
    expect(locked.locator("#key-input")).to_be_visible()
    assert locked.evaluate("sessionStorage.length") == 0
