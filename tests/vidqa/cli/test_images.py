"""``vidqa`` on image files: answers, marks in every output, and one clear error for a bad file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image, ImageColor
from typer.testing import CliRunner

from tests.scripted_engine import context_saying
from vidqa.cli.main import app
from vidqa.cli.progress import Progress
from vidqa.session import Session
from vidqa.video.sheet_style import ACCENT

BOX = '[{"bbox_2d": [28, 28, 84, 56], "label": "a red cup"}]'
POINT = '[{"point_2d": [28, 28], "label": "lamp", "time": 2.0}]'


@pytest.fixture
def says() -> Iterator[dict[str, str]]:
    """Set ``says["text"]`` to what the model replies; no checkpoint is loaded."""
    script = {"text": BOX}

    def open_scripted(*, progress: Progress, **_: object) -> Session:
        ctx, _engine = context_saying(script["text"], progress=progress)
        return Session(ctx)

    with mock.patch("vidqa.session.open_session", open_scripted):
        yield script


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """224 x 112: what the model sees is as large."""
    path = tmp_path / "cup.png"
    Image.new("RGB", (224, 112), "navy").save(path)
    return path


def test_an_image_is_answered_with_its_marks(says: dict[str, str], picture: Path) -> None:
    done = CliRunner().invoke(app, ["ask", str(picture), "Where is the cup?"])
    lines = done.stdout.splitlines()
    assert (done.exit_code, lines[0]) == (0, "one place: a red cup")
    assert lines[2].split() == ["mark", "pixels", "label"]
    assert lines[3].strip() == "box   28, 28, 84, 56  a red cup"
    assert "looked at the image, 224 x 112 pixels, 32 image tokens" in lines[-1]


def test_json_holds_the_marks_of_an_image(says: dict[str, str], picture: Path) -> None:
    value = json.loads(CliRunner().invoke(app, ["ask", str(picture), "q", "--jsonl"]).stdout)
    assert (value["video"]["kind"], value["coverage"]["fraction"]) == ("image", 1.0)
    (mark,) = value["marks"]
    assert mark.pop("sha256").startswith("sha256:")
    assert mark == {"kind": "box", "label": "a red cup", "xy": [28, 28, 84, 56], "pts": 0.0}


def test_csv_holds_marks_in_further_columns_only_where_there_are_any(
    says: dict[str, str], clip: Path
) -> None:
    says["text"] = f"<answer>{POINT}</answer><glue>[(1.0, 3.0)]</glue>"
    done = CliRunner().invoke(app, ["ask", str(clip), "q", "-f", "csv"])
    span, mark = csv.DictReader(io.StringIO(done.stdout))
    assert (span["start"], span["end"], span["mark"]) == ("1.000", "3.000", "")
    kept = [mark[name] for name in ("start", "end", "mark", "x1", "y1", "x2", "y2", "label")]
    assert kept == ["2.000", "2.000", "point", "16.00", "16.00", "", "", "lamp"]
    says["text"] = "Red."
    assert "mark" not in CliRunner().invoke(app, ["ask", str(clip), "q", "-f", "csv"]).stdout


def test_spans_and_marks_are_two_tables_a_line_apart(says: dict[str, str], clip: Path) -> None:
    says["text"] = f"<answer>{POINT}</answer><glue>[(1.0, 3.0)]</glue>"
    lines = CliRunner().invoke(app, ["ask", str(clip), "q"]).stdout.splitlines()
    assert [bool(line) for line in lines] == [
        True,
        False,
        True,
        True,
        False,
        True,
        True,
        False,
        True,
    ]
    assert lines[6].split() == ["point", "16,", "16", "00:00:02.000", "lamp"]


@pytest.mark.parametrize("reply", [BOX, '<points x1="28" y1="28" alt="cup">cup</points>'])
def test_the_sheet_of_an_image_shows_its_marks(
    says: dict[str, str], picture: Path, tmp_path: Path, reply: str
) -> None:
    says["text"], sheet = reply, tmp_path / "sheet.png"
    done = CliRunner().invoke(app, ["ask", str(picture), "q", "--sheet", str(sheet)])
    assert done.exit_code == 0, done.stderr
    with Image.open(sheet) as drawn:
        accent_HW = (np.asarray(drawn.convert("RGB")) == ImageColor.getrgb(ACCENT)).all(axis=-1)
    assert accent_HW[250:].sum() > 100


def test_the_sheet_of_a_video_shows_the_frame_that_bears_the_mark(
    says: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    sheets = {}
    for name, reply in (("with", POINT), ("without", "Red.")):
        says["text"], sheets[name] = reply, tmp_path / f"{name}.png"
        CliRunner().invoke(app, ["ask", str(clip), "q", "--sheet", str(sheets[name])])
    with Image.open(sheets["with"]) as one, Image.open(sheets["without"]) as other:
        counts = [
            (np.asarray(image.convert("RGB")) == ImageColor.getrgb(ACCENT)).all(axis=-1).sum()
            for image in (one, other)
        ]
    assert counts[0] > counts[1] + 100


def test_an_image_cannot_be_grounded(picture: Path) -> None:
    with mock.patch("vidqa.session.open_session") as load:
        done = CliRunner().invoke(app, ["ground", str(picture), "q"])
    assert (done.exit_code, done.stdout, load.called) == (2, "", False)
    assert "an image has no time" in done.stderr
    assert "use ask" in done.stderr


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("-f json,edl,srt", "edl, srt out"),
        ("--clip", "--clip out"),
        ("--start 0 --end 1 -f chapters", "--start, --end, chapters out"),
    ],
)
def test_what_only_a_video_has_is_refused_of_an_image_before_a_model_is_loaded(
    picture: Path, asked: str, told: str
) -> None:
    with (
        mock.patch("vidqa.session.open_session") as load,
        mock.patch("shutil.which", return_value="ffmpeg"),
    ):
        done = CliRunner().invoke(app, ["ask", str(picture), "q", *asked.split()])
    assert (done.exit_code, done.stdout, load.called) == (2, "", False)
    assert f"For an image leave {told}." in done.stderr


def test_probe_and_plan_know_images(picture: Path, tiny_folder: Path) -> None:
    facts = json.loads(CliRunner().invoke(app, ["probe", str(picture), "--json"]).stdout)
    assert [facts[key] for key in ("kind", "format", "width", "height", "pictures")] == [
        "image",
        "PNG",
        224,
        112,
        1,
    ]
    plan = ["plan", str(picture), "-m", str(tiny_folder)]
    report = json.loads(CliRunner().invoke(app, [*plan, "--json", "--read"]).stdout)
    assert (report["plan"]["frames"], report["plan"]["video_tokens"]) == (1, 32)
    assert "image tokens  32" in CliRunner().invoke(app, plan).stdout


def test_a_whole_checkpoint_answers_about_an_image(picture: Path, tiny_folder: Path) -> None:
    args = ["ask", str(picture), "q", "-m", str(tiny_folder), "--json"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code in (0, 1), done.stderr
    assert json.loads(done.stdout)["passes"][0]["frames"] == 1


def text(folder: Path) -> Path:
    path = folder / "bad.png"
    path.write_text("not a picture")
    return path


def truncated(folder: Path) -> Path:
    path = folder / "bad.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    return path


def too_long(folder: Path) -> Path:
    path = folder / "bad.png"
    Image.new("L", (10_000, 10)).save(path)
    return path


def bomb(folder: Path) -> Path:
    path = folder / "bad.png"
    Image.new("1", (8192, 8192)).save(path)
    return path


@pytest.mark.parametrize("make", [text, truncated, too_long, bomb])
def test_a_bad_image_is_one_error_with_a_next_step(
    says: dict[str, str], make: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = make(tmp_path)
    done = CliRunner().invoke(app, ["ask", str(path), "q"])
    assert (done.exit_code, done.stdout) == (2, "")
    error = [line for line in done.stderr.splitlines() if not line.endswith(" done")]
    assert (len(error), error[0].startswith("vidqa: "), path.name in error[0]) == (2, True, True)


def test_one_pixel_is_answered(says: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(path)
    done = CliRunner().invoke(app, ["ask", str(path), "q", "--sheet", str(tmp_path / "s.png")])
    assert done.exit_code == 0, done.stderr
