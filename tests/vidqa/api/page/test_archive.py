"""The archive on the page: a grid of hits that play, answers with citations, videos added."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.vidqa.api.page.conftest import Served
from tests.vidqa.api.page.driving import plays, second_of, until


@pytest.fixture
def archive(page: Page, served: Served, door: str) -> Page:
    """The page on an archive of three videos."""
    served.service.archives.append({"id": "default", "name": "default", "videos": 3})
    page.goto(f"{served.url}/#archive=default")
    expect(page.locator("#archive-facts")).to_have_text("3 videos")
    return page


def test_a_search_gives_a_grid_with_places_scores_and_verdicts(archive: Page) -> None:
    archive.fill("#archive-words", "person opens door")
    archive.keyboard.press("Enter")
    hits = archive.locator(".hit")
    expect(hits).to_have_count(7)
    expect(archive.locator(".summary h2")).to_have_text("3 of 7 hits confirmed")
    expect(hits.first).to_contain_text("car.mp4")
    expect(hits.first).to_contain_text("0:12 – 0:20")
    expect(hits.first).to_contain_text("confirmed 99%")
    expect(hits.first).to_contain_text("score 0.80")
    expect(archive.locator(".hit.denied")).to_have_count(4)
    until(lambda: archive.locator(".hit img").first.evaluate("i => i.naturalWidth") == 224)


def test_a_hit_that_is_clicked_plays_that_place_and_escape_gives_the_grid_back(
    archive: Page,
) -> None:
    archive.fill("#archive-words", "person opens door")
    archive.keyboard.press("Enter")
    archive.locator(".hit").nth(1).click()
    until(lambda: plays(archive, ".place-video"))
    assert 0.0 <= second_of(archive, ".place-video") < 12.0
    archive.keyboard.press("Escape")
    expect(archive.locator(".place-video")).to_have_count(0)
    expect(archive.locator(".hit").nth(1)).to_be_focused()


def test_a_search_can_be_reloaded_and_sent_to_somebody(archive: Page) -> None:
    archive.fill("#archive-words", "person opens door")
    archive.get_by_label("Look at every hit").uncheck()
    archive.locator("#archive-go").click()
    expect(archive.locator(".summary")).to_contain_text("nobody has looked at them")
    archive.reload()
    expect(archive.locator("#archive-words")).to_have_value("person opens door")
    expect(archive.locator(".hit")).to_have_count(7)
    expect(archive.locator(".verdict").first).to_have_text("not looked at")


def test_an_answer_from_the_archive_stands_on_citations(archive: Page) -> None:
    archive.get_by_role("radio", name="Ask").check(force=True)
    archive.fill("#archive-words", "How many times does a person open the door?")
    archive.keyboard.press("Enter")
    expect(archive.locator("#archive .outcome")).to_have_text("Twice, in 2 videos.")
    expect(archive.get_by_role("list", name="Citations").locator(".hit")).to_have_count(2)
    expect(archive.locator(".summary")).to_contain_text("Looked at 6 stretches of 3 videos")
    expect(archive.locator(".warning")).to_contain_text("no second could be found")
    archive.reload()
    expect(archive.locator("#archive .outcome")).to_have_text("Twice, in 2 videos.")


def test_an_empty_archive_takes_videos_of_the_library(
    page: Page, served: Served, door: str
) -> None:
    page.goto(f"{served.url}/#archive")
    expect(page.locator("#archive-result")).to_contain_text("holds no videos yet")
    page.locator("#archive-result").get_by_role("button", name="Add videos").click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#archive-result")).to_contain_text("1 video read")
    (job,) = served.service.jobs.values()
    assert job["request"] == {"videos": [{"video_id": door}], "archive_id": "default"}
