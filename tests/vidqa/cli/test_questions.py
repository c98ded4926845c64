"""Many questions on one command line, and what is kept between commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from typer.testing import CliRunner

from tests.scripted_engine import ScriptedEngine, context_saying
from vidqa.chat import Chat, Text
from vidqa.cli.main import app
from vidqa.cli.progress import Progress
from vidqa.engine import Reply, Watched
from vidqa.session import Session

FOUND = "The given query happens in 2.0 - 3.5 seconds."
ABSENT = "The given query does not happen in the video."


@pytest.fixture
def opened() -> Iterator[list[dict[str, object]]]:
    """What sessions were opened with; the model finds a dog and nothing else."""
    given: list[dict[str, object]] = []

    def open_scripted(*, progress: Progress, **settings: object) -> Session:
        given.append(settings)
        ctx, engine = context_saying(ABSENT, progress=progress)
        engine.replies = lambda *args, **how: replies(engine, *args, **how)  # type: ignore[attr-defined]
        return Session(ctx)

    with mock.patch("vidqa.session.open_session", open_scripted):
        yield given


def replies(
    engine: ScriptedEngine, chats: list[Chat], watched: Watched, **how: object
) -> list[Reply]:
    said = []
    for chat in chats:
        words = " ".join(x.text for x in chat.turns[-1].content if isinstance(x, Text))
        engine.text = FOUND if "dog" in words else ABSENT
        said += ScriptedEngine.replies(engine, [chat], watched, **how)  # type: ignore[arg-type]
    return said


def run(*args: object, stdin: str | None = None) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(("queries", "code"), [("cat,dog,cow", 0), ("cat,cow,owl", 1)])
def test_one_that_is_found_is_enough_for_exit_code_zero(
    opened: list[object], clip: Path, queries: str, code: int
) -> None:
    first, *more = queries.split(",")
    options = [arg for each in more for arg in ("-q", each)]
    exit_code, stdout, _ = run("ground", clip, first, *options, "--jsonl")
    told = [json.loads(line) for line in stdout.splitlines()]
    assert [each["query"] for each in told] == [first, *more]
    assert exit_code == code


def test_arguments_options_and_a_list_are_asked_in_this_order_blank_lines_ask_nothing(
    opened: list[object], clip: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "queries.txt"
    listed.write_text("\ufeffowl\r\n\n  \ndog\n", encoding="utf-8")
    _, stdout, _ = run("ground", clip, "cat", "--queries", listed, "-q", "cow", "--json")
    assert [each["query"] for each in json.loads(stdout)] == ["cat", "cow", "owl", "dog"]


@pytest.mark.parametrize("texts", [[""], ["  "], ["cat", "-q", ""]])
@pytest.mark.parametrize("verb", ["ground", "ask"])
def test_a_blank_text_is_told_before_the_model_is_loaded(
    opened: list[object], clip: Path, verb: str, texts: list[str]
) -> None:
    code, stdout, stderr = run(verb, clip, *texts)
    assert (code, stdout, opened, "query_empty" in stderr) == (2, "", [], True)


def test_queries_come_from_stdin_too(opened: list[object], clip: Path) -> None:
    code, stdout, _ = run("ground", clip, "--queries", "-", "--jsonl", stdin="cat\ndog\n")
    assert (code, [json.loads(line)["query"] for line in stdout.splitlines()]) == (
        0,
        ["cat", "dog"],
    )


def test_people_read_one_answer_after_another(opened: list[object], clip: Path) -> None:
    _, stdout, _ = run("ground", clip, "-q", "cat", "-q", "dog")
    lines = stdout.splitlines()
    assert lines[0] == '"cat" does not happen.'
    assert lines[2:4] == ["", '"dog" happens once:']


def test_questions_are_asked_alike(opened: list[object], clip: Path) -> None:
    code, stdout, _ = run("ask", clip, "-q", "A dog?", "-q", "A cat?", "--jsonl", "--no-stream")
    assert [json.loads(line)["question"] for line in stdout.splitlines()] == ["A dog?", "A cat?"]
    assert code == 0


def test_formats_of_one_answer_get_a_file_each_and_the_others_one_together(
    opened: list[object], clip: Path, tmp_path: Path
) -> None:
    args = ["ground", clip, "dog", "-q", "cat", "-f", "srt,jsonl", "-o", tmp_path]
    assert run(*args, "--sheet", tmp_path / "sheet.png")[0] == 0
    made = sorted(path.name for path in tmp_path.iterdir())
    sheets = ["sheet-1.png", "sheet-2.png"]
    assert made == ["clip-1.srt", "clip-2.srt", "clip.jsonl", *sheets]
    assert len((tmp_path / "clip.jsonl").read_text().splitlines()) == 2
    assert run(*args)[2].count("is already there") == 1


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([], "query_missing"),
        (["--queries", "nowhere.txt"], "queries_unreadable"),
        (["a", "-q", "b", "-f", "srt"], "format_of_one"),
        (["a", "-q", " "], "query_empty"),
    ],
)
def test_what_cannot_be_asked_or_told_is_an_error(
    opened: list[object], clip: Path, args: list[str], code: str
) -> None:
    exit_code, stdout, stderr = run("ground", clip, *args)
    assert (exit_code, stdout) == (2, "")
    assert f"[{code}]" in stderr


def test_words_of_several_answers_do_not_come_one_by_one(opened: list[object], clip: Path) -> None:
    exit_code, _, stderr = run("ask", clip, "a", "-q", "b", "--stream")
    assert (exit_code, "[stream_without_words]" in stderr) == (2, True)


@pytest.mark.parametrize(("args", "given"), [([], None), (["--no-cache"], False)])
def test_keeping_is_turned_off_for_one_command(
    opened: list[dict[str, object]], clip: Path, args: list[str], given: object
) -> None:
    run("ground", clip, "dog", *args)
    assert opened[0]["cache"] is given


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDQA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_second_command_finds_what_the_first_kept_and_clearing_forgets_it(
    folder: Path, clip: Path, tiny_folder: Path
) -> None:
    asked = ("ask", clip, "why?", "-m", tiny_folder, "--max-tokens", 2, "--json")
    states = [json.loads(run(*asked)[1])["cache"]["features"] for _ in range(2)]
    off = json.loads(run(*asked, "--no-cache")[1])["cache"]
    assert (states, off) == (["miss", "hit"], {"features": "off", "prefix": "off"})
    table = run("ask", clip, "why?", "-m", tiny_folder, "--max-tokens", 2)[1]
    assert "video tokens (cached)" in table
    stats = json.loads(run("cache", "stats", "--json")[1])
    assert (stats["folder"], stats["files"], stats["videos"], stats["rows"]) == (
        str(folder),
        1,
        1,
        8,
    )
    code, stdout, _ = run("cache", "clear")
    assert (code, stdout.startswith("removed 1 files")) == (0, True)
    assert json.loads(run("cache", "stats", "--json")[1])["bytes"] == 0


def test_verifying_tells_and_removes_damage(folder: Path, clip: Path, tiny_folder: Path) -> None:
    run("ask", clip, "why?", "-m", tiny_folder, "--max-tokens", 1)
    assert run("cache", "verify")[:2] == (0, "1 files read, 0 damaged\n")
    (path,) = folder.rglob("*.vq")
    path.write_bytes(path.read_bytes()[:-1])
    code, stdout, _ = run("cache", "verify", "--json")
    assert (code, json.loads(stdout)["removed"][0]["file"]) == (2, str(path))
    assert run("cache", "verify")[0] == 0


def test_an_empty_cache_and_one_that_is_off_have_figures_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDQA_CACHE", "off")
    monkeypatch.setenv("VIDQA_CACHE_BYTES", "1.5MB")
    code, stdout, _ = run("cache", "stats")
    assert code == 0
    assert "not used: VIDQA_CACHE is off" in stdout
    assert "0 B of 1.5 MB" in stdout
