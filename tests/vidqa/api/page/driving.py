"""What tests do to the page again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import FloatRect, Locator, Page

PATIENCE_S = 30.0


def until(holds: Callable[[], bool]) -> None:
    """Waits for something; polled from here, because the page's policy forbids evaluated text."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.03)


def second_of(page: Page, player: str = "#player") -> float:
    """The second that a player shows."""
    return float(page.evaluate("s => document.querySelector(s).currentTime", player))


def plays(page: Page, player: str = "#player") -> bool:
    """Whether a player is playing."""
    return not page.evaluate("s => document.querySelector(s).paused", player)


def ask(page: Page, words: str) -> None:
    """Writes a question and sends it."""
    page.fill("#words", words)
    page.keyboard.press("Enter")


def box_of(element: Locator) -> FloatRect:
    """Where something that is seen lies, in pixels of the window."""
    box = element.bounding_box()
    assert box is not None
    return box
