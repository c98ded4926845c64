"""Asking a video: progress, marks that play, and what is said when there is nothing to mark."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.vidqa.api.page.conftest import EXAMPLES, Served
from tests.vidqa.api.page.driving import ask, box_of, plays, second_of, until


@pytest.fixture
def watched(page: Page, served: Served, door: str) -> Page:
    """The page on the door's video."""
    page.goto(f"{served.url}/#video={door}")
    expect(page.locator("#watch-title")).to_have_text("door.mp4")
    return page


def test_a_mark_that_is_clicked_plays_its_second_and_stops_at_its_end(watched: Page) -> None:
    ask(watched, "person opens door")
    expect(watched.locator(".outcome")).to_have_text("Found once")
    until(lambda: abs(second_of(watched) - 6.7) < 0.05)
    watched.locator("#player").evaluate("video => { video.playbackRate = 4; }")
    watched.locator(".mark").click()
    until(lambda: plays(watched))
    assert 6.7 <= second_of(watched) < 10.1
    until(lambda: not plays(watched))
    assert 10.08 <= second_of(watched) < 10.4


def test_a_mark_lies_where_its_seconds_lie_on_the_timeline(watched: Page) -> None:
    ask(watched, "person opens door")
    mark, line = watched.locator(".mark"), watched.locator(".tl-body")
    expect(mark).to_have_attribute(
        "aria-label", "1 of 1, 0:06.7 to 0:10.1, 91% sure, precise to 1 s"
    )
    inner, outer = box_of(mark), box_of(line)
    assert (inner["x"] - outer["x"]) / outer["width"] == pytest.approx(6.7 / 19, abs=0.002)
    assert inner["width"] / outer["width"] == pytest.approx(3.4 / 19, abs=0.002)


def test_a_frame_of_the_evidence_is_shown_and_brings_the_player_to_its_second(
    watched: Page,
) -> None:
    ask(watched, "person opens door")
    expect(watched.locator(".frame")).to_have_count(3)
    frame = watched.locator(".frame").nth(1)
    until(lambda: frame.locator("img").evaluate("image => image.naturalWidth") == 224)
    frame.click()
    until(lambda: abs(second_of(watched) - 8.48) < 0.01)
    assert not plays(watched)


def test_what_does_not_happen_is_said_with_what_was_looked_at(watched: Page) -> None:
    ask(watched, "cat walks right")
    expect(watched.locator(".outcome.not_found")).to_have_text("It does not happen")
    expect(watched.locator(".coverage-words")).to_have_text(
        "Looked at 0:00.0 to 0:19.0 (100% of the video), 38 frames at 2 fps."
    )
    expect(watched.locator(".mark")).to_have_count(0)
    expect(watched.locator(".looked")).to_have_count(1)
    assert watched.locator(".exports button").all_inner_texts() == ["CSV", "JSON"]


def test_what_was_not_found_in_a_part_is_not_said_of_the_whole(
    watched: Page, served: Served
) -> None:
    served.service.changed_results["cat"] = {
        "coverage": {"start": 0.0, "end": 9.5, "fraction": 0.5},
        "ended_early": "deadline",
    }
    ask(watched, "cat")
    expect(watched.locator(".outcome")).to_have_text("Not found in what was looked at")
    expect(watched.locator(".warning")).to_contain_text("Its time was up")
    expect(watched.locator(".tl-legend")).to_contain_text("not looked at")


def test_an_uncertain_answer_marks_nothing(watched: Page) -> None:
    ask(watched, "unsure of this")
    expect(watched.locator(".outcome.uncertain")).to_have_text("Not sure")
    expect(watched.locator(".mark")).to_have_count(0)


def test_a_no_about_unfamiliar_footage_is_no_verdict(watched: Page, served: Served) -> None:
    served.service.changed_results["cat"] = {"familiar": False}
    ask(watched, "cat")
    expect(watched.locator(".outcome")).to_have_text("Not found")


def test_unfamiliar_footage_and_notes_stand_before_the_moments(
    watched: Page, served: Served
) -> None:
    served.service.changed_results["door"] = {"familiar": False, "notes": ["One frame is torn."]}
    ask(watched, "door")
    expect(watched.locator(".warning")).to_have_text(
        [
            "This footage does not look like what nano was made for; its answer means little.",
            "One frame is torn.",
        ]
    )
    assert watched.locator(".warning + .moments").count() == 1


def test_what_fell_below_the_line_can_be_played_too(watched: Page, served: Served) -> None:
    served.service.changed_results["door"] = {
        "considered": [{"start": 2.0, "end": 4.0, "named_by": "scan", "confirmed": False}]
    }
    ask(watched, "door")
    watched.get_by_text("1 other candidate").click()
    watched.get_by_role("button", name="0:02.0 to 0:04.0").click()
    until(lambda: plays(watched))
    assert 2.0 <= second_of(watched) < 4.0


def test_an_answer_in_words_is_the_heading_and_its_evidence_is_marked(watched: Page) -> None:
    watched.get_by_role("radio", name="Ask").check(force=True)
    ask(watched, "What happens at 13.0 seconds?")
    expect(watched.locator(".outcome")).to_have_text("Person in blue puts down bag")
    expect(watched.locator(".mark")).to_have_count(1)


def test_chapters_that_overlap_lie_in_two_rows(watched: Page) -> None:
    watched.get_by_role("radio", name="Describe").check(force=True)
    expect(watched.locator("#words")).to_be_hidden()
    watched.locator("#go").click()
    expect(watched.locator(".outcome")).to_have_text("5 things happen")
    until(lambda: sorted(tops(watched)) == [0, 0, 0, 0, 34])


def test_what_was_asked_goes_out_with_its_options(watched: Page, served: Served, door: str) -> None:
    watched.get_by_text("Options").click()
    watched.fill("#start", "0:02")
    watched.fill("#end", "18.5")
    watched.fill("#precision", "0.5")
    watched.get_by_label("Thorough").check()
    ask(watched, "person opens door")
    expect(watched.locator(".outcome")).to_be_visible()
    (job,) = served.service.jobs.values()
    assert job["request"] == {
        "video": {"video_id": door},
        "query": "person opens door",
        "start": 2,
        "end": 18.5,
        "precision_s": 0.5,
        "thorough": True,
    }


@pytest.mark.parametrize(("start", "end"), [("soon", ""), ("5", "0:04")])
def test_a_time_that_is_none_is_not_sent(
    watched: Page, served: Served, start: str, end: str
) -> None:
    watched.get_by_text("Options").click()
    watched.fill("#start", start)
    watched.fill("#end", end)
    watched.fill("#words", "door")
    watched.locator("#go").click()
    assert watched.locator("#start:invalid, #end:invalid").count() == 1
    assert served.service.jobs == {}


def test_progress_is_told_and_a_job_can_be_cancelled(watched: Page) -> None:
    ask(watched, "wait for it")
    expect(watched.locator(".stage-name")).to_have_text("Looking at frames")
    expect(watched.locator(".progress-words")).to_contain_text("24 of 38 · about 9 s left")
    assert watched.locator(".progress progress").evaluate("bar => bar.value") == pytest.approx(
        24 / 38
    )
    watched.get_by_role("button", name="Cancel").click()
    expect(watched.locator("#answer-title")).to_have_text("Cancelled")
    watched.get_by_role("button", name="Ask again").click()
    expect(watched.locator(".stage-name")).to_be_visible()


def test_a_reload_in_the_middle_of_a_job_finds_it_again(watched: Page, served: Served) -> None:
    ask(watched, "wait for the door")
    expect(watched.locator(".progress-words")).to_contain_text("of 38")
    assert "#job=job_" in watched.url
    watched.reload()
    expect(watched.locator(".asked").first).to_have_text("wait for the door")
    expect(watched.locator("#words")).to_have_value("wait for the door")
    served.service.go_on = True
    expect(watched.locator(".outcome")).to_have_text("Found once")
    assert len(served.service.jobs) == 1


def test_a_job_that_failed_says_why_and_what_to_do(watched: Page) -> None:
    ask(watched, "break this")
    expect(watched.locator("#answer")).to_contain_text("Moov atom missing after 12.4 MiB.")
    expect(watched.locator("#answer")).to_contain_text("Copy the file again; its end is missing.")
    expect(watched.locator("#answer")).to_contain_text("video_undecodable, after 3 attempts")


def test_a_refusal_of_the_server_is_shown_with_its_next_step(watched: Page, served: Served) -> None:
    served.service.problem = (
        "/v1/ground",
        {
            "status": 429,
            "code": "queue_full",
            "detail": "200 jobs are waiting already",
            "next_step": "Try again in a minute.",
            "request_id": "req_7",
        },
    )
    ask(watched, "door")
    problem = watched.get_by_role("alert").first
    expect(problem).to_contain_text("200 jobs are waiting already.")
    expect(problem).to_contain_text("Try again in a minute.")
    expect(problem).to_contain_text("req_7")
    problem.get_by_role("button", name="Dismiss").click()
    expect(watched.locator(".problem")).to_have_count(0)
    expect(watched.locator("#go")).to_be_enabled()


def test_a_result_is_exported_by_the_server_and_its_json_as_it_came(watched: Page) -> None:
    ask(watched, "person opens door")
    with watched.expect_download() as subtitles:
        watched.get_by_role("button", name="SRT").click()
    assert subtitles.value.suggested_filename == "person-opens-door.srt"
    assert Path(subtitles.value.path()).read_text().startswith("srt of job_")
    with watched.expect_download() as whole:
        watched.get_by_role("button", name="JSON").click()
    assert whole.value.suggested_filename == "person-opens-door.json"
    assert json.loads(Path(whole.value.path()).read_text())["outcome"] == "found"


def test_the_clip_of_a_moment_can_be_saved(watched: Page) -> None:
    ask(watched, "person opens door")
    with watched.expect_download() as clip:
        watched.get_by_role("button", name="Download the clip").click()
    assert clip.value.suggested_filename == "person-opens-door-6.7-10.1.mp4"


def test_words_of_users_and_models_never_become_markup(watched: Page, served: Served) -> None:
    evil = "<img src=x onerror=alert(1)> door"
    served.service.changed_results[evil] = {"notes": ["<b>bold</b>"]}
    ask(watched, evil)
    expect(watched.locator(".asked").first).to_have_text(evil)
    expect(watched.locator(".warning")).to_have_text("<b>bold</b>")
    assert watched.locator("#answer b, #answer img[src=x]").count() == 0


def test_a_stretch_dragged_with_shift_limits_the_question(watched: Page, served: Served) -> None:
    box = box_of(watched.locator(".tl-body"))
    at = box["y"] + 20
    watched.keyboard.down("Shift")
    watched.mouse.move(box["x"] + box["width"] * 5 / 19, at)
    watched.mouse.down()
    watched.mouse.move(box["x"] + box["width"] * 12 / 19, at, steps=4)
    watched.mouse.up()
    watched.keyboard.up("Shift")
    expect(watched.locator("#start")).to_have_value("0:05.0")
    expect(watched.locator("#end")).to_have_value("0:12.0")


def test_a_click_on_the_timeline_shows_that_second(watched: Page) -> None:
    box = box_of(watched.locator(".tl-body"))
    watched.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 8)
    until(lambda: abs(second_of(watched) - 9.5) < 0.05)


def test_a_closer_look_at_the_timeline_keeps_marks_and_ruler_together(watched: Page) -> None:
    ask(watched, "person opens door")
    expect(watched.locator(".mark")).to_be_visible()
    before = box_of(watched.locator(".mark"))
    watched.get_by_role("button", name="Zoom in").click()
    after = box_of(watched.locator(".mark"))
    assert after["width"] == pytest.approx(2 * before["width"], rel=0.01)
    watched.get_by_role("button", name="The whole video").click()
    again = box_of(watched.locator(".mark"))
    assert again["width"] == pytest.approx(before["width"], abs=0.5)


def test_a_file_that_the_browser_cannot_play_says_so(
    page: Page, served: Served, door: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0" * 2000)
    served.service.videos[door]["path"] = str(broken)
    page.goto(f"{served.url}/#video={door}")
    expect(page.locator("#unplayable")).to_contain_text("This browser cannot play this file.")


def test_the_moments_of_a_file_that_cannot_be_played_play_as_clips(
    page: Page, served: Served, door: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0" * 2000)
    served.service.clip = EXAMPLES / "door.mp4"
    served.service.videos[door]["path"] = str(broken)
    page.goto(f"{served.url}/#video={door}")
    expect(page.locator("#unplayable")).to_be_visible()
    ask(page, "person opens door")
    page.locator(".mark").click()
    expect(page.locator("#unplayable")).to_be_hidden()
    until(lambda: plays(page))
    expect(page.locator(".tl-time")).to_contain_text(re.compile(r"0:0[6-9]\.\d / 0:19"))


def test_seconds_count_from_the_first_frame_also_where_the_file_begins_later(
    page: Page, served: Served, late: Path
) -> None:
    video = served.service.add_video(late)
    page.goto(f"{served.url}/#video={video}")
    expect(page.locator(".tl-time")).to_have_text("0:00.0 / 0:04.0")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".tl-time")).to_have_text("0:01.0 / 0:04.0")
    assert second_of(page) == pytest.approx(4.001, abs=0.01)


def test_a_video_that_is_gone_is_said_to_be(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/#video=vid_gone")
    expect(page.get_by_role("alert").first).to_contain_text("There is no such thing here.")


def test_history_leads_back_to_an_answer(watched: Page, served: Served) -> None:
    ask(watched, "person opens door")
    expect(watched.locator(".outcome")).to_be_visible()
    ask(watched, "cat walks right")
    expect(watched.locator(".outcome.not_found")).to_be_visible()
    watched.get_by_role("link", name="History").click()
    rows = watched.locator("#history-list .row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("does not happen")
    rows.nth(1).click()
    expect(watched.locator(".outcome.found")).to_have_text("Found once")
    watched.go_back()
    expect(watched.locator("#history")).to_be_visible()


def test_moments_close_together_in_hours_of_video_lie_in_rows(
    watched: Page, served: Served, door: str
) -> None:
    served.service.videos[door]["facts"]["duration"] = 7200.0
    watched.reload()
    moment = {"score": 0.9, "confidence": 0.9, "precision_s": 1.0, "evidence": []}
    served.service.changed_results["door"] = {
        "segments": [
            {"start": 3600.0, "end": 3602.0, **moment},
            {"start": 3610.0, "end": 3612.0, **moment},
            {"start": 5000.0, "end": 5002.0, **moment},
        ]
    }
    ask(watched, "door")
    expect(watched.locator(".outcome")).to_have_text("Found 3 times")
    until(lambda: tops(watched) == [0, 34, 0])
    expect(watched.locator(".tick.large").nth(1)).to_have_text("10:00")


def tops(page: Page) -> list[int]:
    """How far down each mark lies, in pixels; a frame later than the marks are there."""
    found: list[int] = page.locator(".mark").evaluate_all("all => all.map(each => each.offsetTop)")
    return found
