"""Videos into the library: chosen, dropped, broken off and gone on with, listed page by page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.vidqa.api.page.conftest import EXAMPLES, Served
from tests.vidqa.api.page.driving import ask, second_of, until


def test_a_chosen_file_is_uploaded_asked_and_its_mark_plays(page: Page, served: Served) -> None:
    page.goto(served.url)
    page.set_input_files("#file", EXAMPLES / "door.mp4")
    expect(page.locator("#watch-title")).to_have_text("door.mp4")
    ask(page, "person opens door")
    page.locator(".mark").click()
    until(lambda: 6.7 <= second_of(page) < 10.1)
    (video,) = served.service.videos.values()
    assert video["bytes"] == (EXAMPLES / "door.mp4").stat().st_size


def test_an_upload_whose_connection_broke_goes_on_where_it_was(page: Page, served: Served) -> None:
    served.service.break_uploads_after = 100_000
    page.goto(served.url)
    page.set_input_files("#file", EXAMPLES / "door.mp4")
    expect(page.locator("#watch-title")).to_have_text("door.mp4")
    (video,) = served.service.videos.values()
    assert Path(video["path"]).read_bytes() == (EXAMPLES / "door.mp4").read_bytes()
    assert sum("POST /v1/uploads" in each for each in served.service.requests) == 1


def test_the_same_file_after_a_reload_goes_on_where_it_was(page: Page, served: Served) -> None:
    page.goto(served.url)
    page.route("**/v1/uploads/*", lambda route: route.abort())
    page.set_input_files("#file", EXAMPLES / "door.mp4")
    expect(page.locator(".upload-words")).to_have_text("connection lost, going on soon")
    (upload,) = served.service.uploads.values()
    upload["bytes"] = (EXAMPLES / "door.mp4").read_bytes()[:70_000]
    page.unroute("**/v1/uploads/*")
    page.reload()
    page.set_input_files("#file", EXAMPLES / "door.mp4")
    expect(page.locator("#watch-title")).to_have_text("door.mp4")
    assert len(served.service.uploads) == 1


def test_an_upload_can_be_paused_and_gone_on_with(page: Page, served: Served) -> None:
    page.goto(served.url)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/uploads/*", hold)
    page.set_input_files("#file", EXAMPLES / "door.mp4")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".upload-words")).to_have_text("paused")
    for route in held:
        route.abort()
    page.unroute("**/v1/uploads/*")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#watch-title")).to_have_text("door.mp4")


def test_a_file_that_is_refused_says_why_and_can_be_left_out(page: Page, served: Served) -> None:
    served.service.problem = (
        "/v1/uploads",
        {
            "status": 413,
            "code": "file_too_large",
            "detail": "the file has 9 GB, and 4 GB are allowed",
            "next_step": "Cut it first.",
        },
    )
    page.goto(served.url)
    page.set_input_files("#file", EXAMPLES / "door.mp4")
    expect(page.get_by_role("alert").first).to_contain_text(
        "door.mp4: The file has 9 GB, and 4 GB are allowed."
    )
    page.get_by_role("button", name="Leave out door.mp4").click()
    expect(page.locator(".upload")).to_have_count(0)


def test_a_file_dropped_anywhere_is_uploaded(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/#history")
    expect(page.locator("#history")).to_be_visible()
    page.evaluate(
        """async () => {
            const bytes = await (await fetch("/page/examples/door.mp4")).arrayBuffer();
            const held = new DataTransfer();
            held.items.add(new File([bytes], "dropped.mp4", { type: "video/mp4" }));
            for (const type of ["dragenter", "dragover", "drop"]) {
                document.body.dispatchEvent(
                    new DragEvent(type, { dataTransfer: held, bubbles: true, cancelable: true }));
            }
        }"""
    )
    expect(page.locator("#watch-title")).to_have_text("dropped.mp4")


def test_an_empty_library_offers_examples_and_one_is_two_clicks_from_an_answer(
    page: Page, served: Served
) -> None:
    page.goto(served.url)
    page.get_by_role("button", name="door.mp4").click()
    expect(page.locator("#words")).to_have_value("person opens door")
    page.locator("#go").click()
    expect(page.locator(".outcome")).to_have_text("Found once")


def test_a_long_library_is_listed_page_by_page_with_lengths(page: Page, served: Served) -> None:
    for n in range(23):
        served.service.add_video(EXAMPLES / "car.mp4", name=f"car {n}.mp4")
    page.goto(served.url)
    expect(page.locator("#library-list li")).to_have_count(20)
    expect(page.locator("#library-list li").first).to_contain_text("car 22.mp4")
    expect(page.locator("#library-list li").first).to_contain_text("0:21")
    page.get_by_role("button", name="More videos").click()
    expect(page.locator("#library-list li")).to_have_count(23)
    expect(page.get_by_role("button", name="More videos")).to_be_hidden()
