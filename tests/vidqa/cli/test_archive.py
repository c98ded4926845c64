"""``vidqa search``, ``ask --archive`` and ``archive``: one run with nano over two drawn videos."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from shutil import copy

import fsspec
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from vidqa.cli.main import app
from vidqa.video import probe

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two examples; in both a person opens the door."""
    folder = tmp_path_factory.mktemp("archive")
    for name in ("door.mp4", "car.mp4"):
        copy(EXAMPLES / name, folder / name)
    words = ["index", str(folder), "--db", str(folder / "archive.db"), "--tag", "drawn"]
    assert CliRunner().invoke(app, words).exit_code == 0
    return folder


def run(place: Path, *words: object) -> Result:
    asked = [*map(str, words), "--db", str(place / "archive.db")]
    return CliRunner().invoke(app, asked)


def test_a_search_prints_a_table_and_exits_as_grep(place: Path) -> None:
    done = run(place, "search", "blue car drives left")
    assert done.exit_code == 0
    first = next(line for line in done.stdout.splitlines() if line.strip().startswith("1 "))
    assert "car.mp4" in first
    assert "2 videos" in done.stdout
    assert run(place, "search", "blue car drives left", "--tag", "none").exit_code == 1
    assert run(place, "search").exit_code == 2


def test_verified_and_refined_the_event_is_found_to_the_second(place: Path) -> None:
    done = run(place, "search", "blue car drives left", "--verify", "--refine", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["outcome"]) == (0, "found")
    hit = told["hits"][0]
    assert (Path(hit["video"]["path"]).name, hit["verdict"]) == ("car.mp4", "confirmed")
    assert hit["segments"][0]["start"] == pytest.approx(9.2, abs=1.5)


def test_every_output_is_made(place: Path, tmp_path: Path) -> None:
    sheet, folder = tmp_path / "sheet.png", tmp_path / "out"
    done = run(
        place, "search", "blue car drives left", "-n", "2",
        "-f", "json,csv,edl,srt,vtt", "-o", folder,
        "--sheet", sheet, "--thumbnails", tmp_path / "small",
    )  # fmt: skip
    assert done.exit_code == 0
    with Image.open(sheet) as drawn:
        assert drawn.size[0] == 1600
    names = {path.name for path in folder.iterdir()}
    assert {"hits.json", "hits.csv", "hits.edl", "hits-1-car.srt"} <= names
    assert (folder / "hits.csv").read_text().splitlines()[0].startswith("video,start,end")
    told = json.loads((folder / "hits.json").read_text())
    assert Path(told["hits"][0]["thumbnail"]).stat().st_size > 500
    again = run(place, "search", "blue car drives left", "-f", "json", "-o", folder)
    assert (again.exit_code, "output_exists" in again.stderr) == (2, True)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="cuts with ffmpeg")
def test_hits_are_cut_out_and_one_that_is_gone_is_told(place: Path, tmp_path: Path) -> None:
    words = ("search", "blue car drives left", "-n", "2", "--group-by", "video", "--clip")
    done = run(place, *words, "-o", tmp_path, "-f", "json")
    assert done.exit_code == 0
    hits = json.loads((tmp_path / "hits.json").read_text())["hits"]
    names = [f"hit-{k:03d}-{Path(hit['video']['path']).stem}.mp4" for k, hit in enumerate(hits, 1)]
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == sorted(names)
    for hit, name in zip(hits, names, strict=True):
        wanted_s = hit["end"] - hit["start"]
        assert probe(tmp_path / name).duration_s == pytest.approx(wanted_s, abs=0.3)
        assert f"wrote {tmp_path / name}" in done.stderr
    gone = place / "door.mp4"
    gone.rename(place / "away.mov")
    try:
        done = run(place, *words, "-o", tmp_path, "-y")
    finally:
        (place / "away.mov").rename(gone)
    assert (done.exit_code, f"{gone} is gone" in done.stderr) == (0, True)


def test_a_picture_finds_the_footage_that_it_is_of(place: Path, tmp_path: Path) -> None:
    run(place, "search", "blue car drives left", "-n", "1", "--thumbnails", tmp_path)
    (picture,) = tmp_path.glob("001-car-*.jpg")
    done = run(place, "search", "--image", picture, "-n", "1", "-f", "json,txt", "-o", tmp_path)
    told = json.loads((tmp_path / "hits.json").read_text())
    assert (done.exit_code, told["query_kind"], told["query"]) == (0, "image", str(picture))
    assert Path(told["hits"][0]["video"]["path"]).name == "car.mp4"
    refused = run(place, "search", "--image", picture, "--verify")
    assert (refused.exit_code, "verify_without_words" in refused.stderr) == (2, True)
    unread = run(place, "search", "--image", place / "archive.db")
    assert unread.exit_code == 2


def test_hits_at_urls_are_looked_at_only_where_that_is_allowed(tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/cams/car.mp4", (EXAMPLES / "car.mp4").read_bytes())
    allowed = ("--allow-url", "memory://cams")
    try:
        assert run(tmp_path, "index", "memory://cams", *allowed).exit_code == 0
        words = ("search", "blue car drives left", "-n", "1", "--verify", "--json")
        blind, seen = (json.loads(run(tmp_path, *words, *more).stdout) for more in ((), allowed))
        clip = run(tmp_path, *words[:4], "--clip", "-o", tmp_path)
    finally:
        system.rm("/cams", recursive=True)
    (hit,) = blind["hits"]
    assert (hit["verdict"], hit["error"]["code"]) == ("unknown", "url_refused")
    assert blind["considered"]["looked_at"] == 0
    assert seen["hits"][0]["verdict"] == "confirmed"
    assert seen["considered"]["looked_at"] == 1
    assert (clip.exit_code, "no clip of hit 1: memory:" in clip.stderr) == (0, True)


def test_more_like_a_clip_needs_no_model(place: Path) -> None:
    done = run(place, "search", "--like", "door.mp4@7", "--jsonl")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["query_kind"] == "clip"
    assert "load" not in done.stderr


def test_the_archive_is_asked(place: Path) -> None:
    asked = "How many times does a person open the door?"
    done = run(place, "ask", "--archive", asked, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["count"]) == (0, 2)
    assert told["citations"][0]["confirmed"]
    none = run(place, "ask", "--archive", asked, "--recorded-from", "2031-01-01")
    assert (none.exit_code, "no clip matches" in none.stdout) == (1, True)


def test_a_date_that_is_none_is_refused(place: Path) -> None:
    done = run(place, "search", "door", "--recorded-from", "monday")
    assert (done.exit_code, "date_unreadable" in done.stderr) == (2, True)


def test_what_is_indexed_is_listed_counted_checked_and_exported(
    place: Path, tmp_path: Path
) -> None:
    listed = json.loads(run(place, "archive", "ls", "--json").stdout)
    assert sorted(Path(each["path"]).name for each in listed) == ["car.mp4", "door.mp4"]
    stats = json.loads(run(place, "archive", "stats", "--json").stdout)
    assert stats["videos"] == {"ready": 2}
    done = run(place, "archive", "verify")
    assert (done.exit_code, done.stdout.strip().endswith("sound")) == (0, True)
    out = tmp_path / "all.jsonl"
    assert run(place, "archive", "export", "-o", out, "--tag", "drawn").exit_code == 0
    assert [json.loads(line)["type"] for line in out.read_text().splitlines()].count("video") == 2


def test_a_video_is_deleted_only_when_that_is_confirmed(place: Path) -> None:
    refused = run(place, "archive", "rm", "car.mp4")
    assert (refused.exit_code, "not_confirmed" in refused.stderr) == (2, True)
    done = run(place, "archive", "rm", "car.mp4", "--yes")
    assert done.exit_code == 0
    assert "left of it: nothing" in done.stdout
    assert run(place, "archive", "rm", "car.mp4", "--yes").exit_code == 2
    assert (place / "car.mp4").exists()
    assert run(place, "archive", "rm", "--yes").exit_code == 2


def test_tags_are_given_and_taken(place: Path) -> None:
    done = run(place, "archive", "tag", "door.mp4", "--add", "night", "--remove", "drawn", "--json")
    assert (done.exit_code, json.loads(done.stdout)[0]["tags"]) == (0, ["night"])
    back = run(place, "archive", "tag", "--tag", "night", "--remove", "night", "--add", "drawn")
    assert (back.exit_code, back.stdout.strip().endswith("door.mp4: drawn")) == (0, True)
    assert run(place, "archive", "tag", "--tag", "none", "--add", "x").exit_code == 1
    for words, code in ((["door.mp4"], "no_tags"), (["--add", "x"], "nothing_named")):
        refused = run(place, "archive", "tag", *words)
        assert (refused.exit_code, code in refused.stderr) == (2, True)


def test_compacting_says_what_it_gave_back(place: Path) -> None:
    done = run(place, "archive", "compact", "--json")
    assert (done.exit_code, json.loads(done.stdout)["generations"]) == (0, [])
    assert "0 vectors of 0 earlier generations" in run(place, "archive", "compact").stdout
