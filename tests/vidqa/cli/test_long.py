"""Long videos on the command line: bounds, chapters, plans, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from typer.testing import CliRunner

from tests.seeing_engine import SeeingEngine, seeing
from vidqa.cli.halting import halting
from vidqa.cli.main import app
from vidqa.cli.progress import Progress
from vidqa.effort import Halt
from vidqa.profiles import PROFILES
from vidqa.session import Session


@pytest.fixture
def engine() -> Iterator[SeeingEngine]:
    """An engine that finds one event; no checkpoint is loaded."""
    ctx, engine = seeing((5.2, 5.9))

    def open_seeing(*, progress: Progress, **_: object) -> Session:
        return Session(replace(ctx, progress=progress))

    with mock.patch("vidqa.session.open_session", open_seeing):
        yield engine


def run(*args: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*args])
    return done.exit_code, done.stdout, done.stderr


def test_a_long_video_is_searched_and_the_table_says_what_that_took(
    engine: SeeingEngine, clip: Path
) -> None:
    code, out, _ = run("ground", str(clip), "q")
    assert code == 0
    assert out.splitlines()[3].split()[:2] == ["00:00:05.200", "00:00:05.900"]
    assert "skim 1, scan 1, zoom 1, vote 1 passes" in out


def test_bounds_reach_the_search(engine: SeeingEngine, clip: Path) -> None:
    code, out, _ = run("ground", str(clip), "q", "--json", "--budget-passes", "1")
    told = json.loads(out)
    assert (code, told["outcome"], told["ended_early"]) == (1, "uncertain", "passes")
    code, out, _ = run("ground", str(clip), "q", "--json", "--thorough")
    assert (code, json.loads(out)["passes"][0]["stage"]) == (0, "window")
    code, out, _ = run("ground", str(clip), "q", "--json", "--deadline", "0.000001")
    assert (code, json.loads(out)["ended_early"]) == (1, "deadline")


@pytest.mark.parametrize("option", [("--thorough",), ("--precision", "2")])
def test_a_bound_on_searches_is_refused_where_nothing_is_sought(
    engine: SeeingEngine, clip: Path, option: tuple[str, ...]
) -> None:
    code, _, err = run("ask", str(clip), "What?", *option)
    assert code == 2
    assert "effort_without_search" in err


def test_chapters_are_a_table_or_any_timed_format(engine: SeeingEngine, clip: Path) -> None:
    code, out, _ = run("describe", str(clip))
    assert (code, out.splitlines()[0]) == (0, "1 thing happens:")
    assert "light turns on" in out
    _, out, _ = run("describe", str(clip), "-f", "chapters")
    assert "title=light turns on" in out
    _, out, _ = run("describe", str(clip), "-f", "csv")
    assert out.splitlines()[1].endswith("light turns on")
    _, out, _ = run("describe", str(clip), "--json")
    assert json.loads(out)["chapters"][0]["text"] == "light turns on"


def test_ctrl_c_prints_what_is_known_and_exits_with_130(engine: SeeingEngine, clip: Path) -> None:
    engine.on_look = lambda looks: os.kill(os.getpid(), signal.SIGINT) if looks == 3 else None
    code, out, _ = run("ground", str(clip), "q", "--json")
    told = json.loads(out)
    assert (code, told["outcome"], told["ended_early"]) == (130, "found", "interrupted")
    assert told["segments"]


def test_many_queries_share_one_skim_and_one_found_is_enough(
    engine: SeeingEngine, clip: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "queries.txt"
    listed.write_text("b\nc\n")
    code, out, _ = run("ground", str(clip), "a", "--queries", str(listed), "--json")
    told = json.loads(out)
    assert (code, [each["query"] for each in told]) == (0, ["a", "b", "c"])
    assert {each["outcome"] for each in told} == {"found"}
    assert engine.vectors == [3]
    code, out, _ = run("ask", str(clip), "-q", "What?", "-q", "Which?", "--jsonl")
    assert [json.loads(line)["answer"] for line in out.splitlines()] == ["a light"] * 2
    assert (code, engine.vectors) == (0, [3, 3])


def test_one_interrupted_answer_of_many_exits_with_130(engine: SeeingEngine, clip: Path) -> None:
    engine.on_look = lambda looks: os.kill(os.getpid(), signal.SIGINT) if looks == 3 else None
    code, out, _ = run("ground", str(clip), "a", "-q", "b", "--json")
    told = json.loads(out)
    assert (code, [each["ended_early"] for each in told]) == (130, ["interrupted"] * 2)
    assert [each["outcome"] for each in told] == ["found", "uncertain"]


@pytest.mark.parametrize("option", ["-q", "--queries"])
def test_chapters_are_not_asked_for(engine: SeeingEngine, clip: Path, option: str) -> None:
    assert run("describe", str(clip), option, "x")[0] == 2


def test_where_nothing_heeds_it_ctrl_c_interrupts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), halting(Halt()):
        signal.raise_signal(signal.SIGINT)


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    halt = Halt(heeded=True)
    with halting(halt):
        signal.raise_signal(signal.SIGINT)
        assert halt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_plan_shows_the_search_stage_by_stage(tiny_folder: Path, clip: Path) -> None:
    short = replace(PROFILES["base"].reach, one_pass_s=3.0, window_s=2.0)
    profile = replace(PROFILES["base"], reach=short)
    with mock.patch("vidqa.profiles.BASE", profile):
        code, out, _ = run("plan", str(clip), "--json", "--model", str(tiny_folder))
    assert code == 0
    course = json.loads(out)["course"]
    assert [each["stage"] for each in course["stages"]] == [
        "skim (clock)",
        "coarse",
        "scan",
        "zoom and vote",
    ]
    assert sum(s["passes"] for s in course["stages"] if not s["per_video"]) == short.passes
    assert course["precision_s"] == 1.0
    assert course["about_s"]["first"] >= course["about_s"]["later"] > 0


def test_a_plan_of_a_short_video_is_one_pass(clip: Path) -> None:
    _, out, _ = run("plan", str(clip), "--json")
    course = json.loads(out)["course"]
    assert (course["searched"], [s["stage"] for s in course["stages"]]) == (False, ["ground"])
    assert course["besides"] == ""


def test_a_thorough_plan_says_that_votes_come_on_top(clip: Path) -> None:
    _, out, _ = run("plan", str(clip), "--json", "--thorough")
    course = json.loads(out)["course"]
    assert (course["searched"], course["stages"][0]["stage"]) == (True, "windows")
    assert course["besides"] == "votes: up to 2 passes for each event that is found"
    _, out, _ = run("plan", str(clip), "--thorough", "--budget-passes", "9")
    assert "for each event that is found, 9 passes in all at most" in " ".join(out.split())


def test_a_calibration_is_written_where_it_was_asked_for(
    engine: SeeingEngine, clip: Path, tmp_path: Path
) -> None:
    lines = [
        {"video": str(clip), "query": f"{k}", "spans": [[5.2, 5.9]] if k % 2 else []}
        for k in range(12)
    ]
    labels, out = tmp_path / "l.jsonl", tmp_path / "c.json"
    labels.write_text("\n".join(map(json.dumps, lines)))
    code, told, err = run("calibrate", str(labels), "--out", str(out))
    assert code == 0, err
    assert "search" in told
    assert json.loads(out.read_text())["routes"]["search"]["right"] == 6
