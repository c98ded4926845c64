"""Keys alone, small screens, dark, reduced motion, and what axe finds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.vidqa.api.page.conftest import Served
from tests.vidqa.api.page.driving import ask, plays, second_of, until

VIEWS = ["#videos", "#video={door}", "#job={job}", "#archive=default&q=door&verify=1", "#history"]
READY = {
    "#videos": "#library-list a",
    "#video=": "#watch-title:not(:empty)",
    "#job=": ".moment",
    "#archive": ".hit",
    "#history": "#history-list a",
}
"""What is there once a view is drawn."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def _asked(video: str) -> dict[str, object]:
    return {"video": {"video_id": video}, "query": "person opens door"}


@pytest.fixture
def answered(page: Page, served: Served, door: str) -> Page:
    """The page with an answer."""
    job = served.service.finished_job("ground", _asked(door))
    page.goto(f"{served.url}/#job={job}")
    expect(page.locator(".outcome")).to_be_visible()
    until(lambda: second_of(page) > 6.6)
    return page


def test_from_the_list_to_a_playing_mark_by_keys_alone(
    page: Page, served: Served, door: str
) -> None:
    page.goto(served.url)
    expect(page.locator("#library-list a")).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#library-list a')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("person opens door")
    page.keyboard.press("Enter")
    expect(page.locator(".mark")).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.mark')"):
            break
    page.keyboard.press("Enter")
    until(lambda: plays(page))
    assert 6.7 <= second_of(page) < 10.1


def test_tab_goes_through_everything_and_out_again(answered: Page) -> None:
    seen: list[str] = []
    for _ in range(80):
        answered.keyboard.press("Tab")
        seen.append(
            answered.evaluate("document.activeElement.id || document.activeElement.className")
        )
    assert {"skip", "words", "go", "player", "tl-scrub"} <= set(seen)
    assert seen.count("skip") >= 2  # round once, and nothing held on to the focus


def test_shortcuts_play_step_and_zoom_and_can_be_switched_off(answered: Page) -> None:
    answered.locator("h1:visible").click()
    answered.evaluate("document.activeElement.blur()")
    answered.keyboard.press("n")
    until(lambda: plays(answered))
    answered.keyboard.press("k")
    until(lambda: not plays(answered))
    answered.keyboard.press("l")
    until(lambda: second_of(answered) > 15)
    answered.keyboard.press("+")
    expect(answered.get_by_role("button", name="Zoom out")).to_be_enabled()
    answered.keyboard.press("/")
    expect(answered.locator("#words")).to_be_focused()
    answered.keyboard.type("k")
    expect(answered.locator("#words")).to_have_value("person opens doork")
    answered.evaluate("document.activeElement.blur()")
    answered.keyboard.press("?")
    answered.get_by_label("Single keys work").uncheck()
    answered.keyboard.press("Escape")
    answered.evaluate("document.activeElement.blur()")
    answered.keyboard.press("/")
    expect(answered.locator("#words")).not_to_be_focused()


def test_the_playhead_is_a_slider_that_arrows_move(answered: Page) -> None:
    slider = answered.get_by_role("slider", name="Position in the video")
    slider.focus()
    answered.keyboard.press("Home")
    until(lambda: second_of(answered) < 0.01)
    answered.keyboard.press("ArrowRight")
    answered.keyboard.press("Shift+ArrowRight")
    until(lambda: abs(second_of(answered) - 11) < 0.05)
    expect(slider).to_have_attribute("aria-valuetext", "0:11.0 of 0:19.0")


def test_what_happens_is_told_to_those_who_hear_the_page(answered: Page) -> None:
    expect(answered.locator("#status")).to_have_text("Found once")
    answered.locator(".mark").click()
    expect(answered.locator("#status")).to_contain_text("Playing 1 of 1, 0:06.7 to 0:10.1")


@pytest.fixture
def phone(browser: Browser, served: Served, door: str) -> Iterator[Page]:
    """A small telephone, upright."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_a_phone(phone: Page, served: Served, door: str, view: str) -> None:
    _show(phone, served, door, view)
    wide = phone.evaluate(
        "[...document.querySelectorAll('main *, header *')]"
        ".filter(each => each.checkVisibility() && each.getBoundingClientRect().right > 360.5"
        " && !each.closest('.unseen, .tl-ruler, .tl-marks, .drop-picture'))"
        ".map(each => each.outerHTML.slice(0, 90))"
    )
    assert wide == []
    assert phone.evaluate("document.documentElement.scrollWidth") == 360


def test_controls_on_a_phone_are_large_enough_for_fingers(
    phone: Page, served: Served, door: str
) -> None:
    _show(phone, served, door, "#job={job}")
    small = phone.evaluate(
        "[...document.querySelectorAll('button, a, summary, select, input[type=text]')]"
        ".filter(each => each.checkVisibility() && !each.matches('.skip, .mark'))"
        ".map(each => [each.className || each.id, Math.round(each.getBoundingClientRect().height)])"
        ".filter(([, height]) => height < 32)"
    )
    assert small == []


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_in_light_and_dark(
    browser: Browser, served: Served, door: str, view: str
) -> None:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    _show(page, served, door, view)
    light = Axe().run(page, options=RULES).response
    page.emulate_media(color_scheme="dark")
    dark = Axe().run(page, options={"runOnly": ["color-contrast"]}).response
    context.close()
    assert len(light["passes"]) > 20
    assert [each["id"] for each in dark["passes"]] == ["color-contrast"]
    assert [
        (each["id"], [node["html"][:120] for node in each["nodes"]])
        for each in light["violations"] + dark["violations"]
    ] == []


def _show(page: Page, served: Served, door: str, view: str) -> None:
    served.service.archives = [{"id": "default", "name": "default", "videos": 3}]
    job = served.service.finished_job("ground", _asked(door))
    page.goto(f"{served.url}/{view.format(door=door, job=job)}")
    wanted = next(READY[start] for start in READY if view.startswith(start))
    expect(page.locator(wanted).first).to_be_visible()


def test_dark_is_taken_from_the_system_and_can_be_chosen(page: Page, served: Served) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    page.emulate_media(color_scheme="light")
    page.goto(served.url)
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate(ground) == light
    page.reload()
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Theme").click()
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == dark


def test_nothing_moves_for_those_who_want_no_motion(page: Page, served: Served, door: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{served.url}/#video={door}")
    ask(page, "wait")
    expect(page.locator(".progress progress")).to_be_visible()
    assert (
        page.evaluate("document.getAnimations().filter(a => a.playState === 'running').length") == 0
    )
    served.service.go_on = True


def test_an_answer_that_arrives_shifts_nothing(page: Page, served: Served, door: str) -> None:
    page.goto(f"{served.url}/#video={door}")
    expect(page.locator("#watch-title")).to_have_text("door.mp4")
    page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver(list => list.getEntries()"
        ".forEach(each => { window.shift += each.value; }))"
        ".observe({ type: 'layout-shift', buffered: false }); }"
    )
    ask(page, "person opens door")
    expect(page.locator(".frame")).to_have_count(3)
    page.wait_for_timeout(300)
    assert page.evaluate("window.shift") < 0.01


def test_a_lost_connection_is_said_and_found_again(page: Page, served: Served, door: str) -> None:
    page.goto(f"{served.url}/#video={door}")
    page.route("**/events", lambda route: route.abort())
    ask(page, "wait")
    expect(page.locator(".stage-name")).to_have_text("The connection is lost; trying again")
    page.unroute("**/events")
    served.service.go_on = True
    expect(page.locator(".outcome")).to_have_text("Found once")
