"""``vidqa calibrate`` as a program sees it: what it writes, and what it says before any work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from unittest import mock

import pytest
from typer.testing import CliRunner

from vidqa.calibration import CALIBRATION_FILE, Calibration, Curve
from vidqa.cli.main import app

CURVE = Curve(
    weights=(0.0, 1.0, 0.0, 0.0, 0.0),
    knots=((-1.0, 0.2), (1.0, 0.8)),
    found_from=0.5,
    precision_factor=1.0,
    count=10,
    right=5,
    ece=0.05,
    ece_before=0.2,
)


def calibration(made_for: str) -> Calibration:
    return Calibration(made_for=made_for, labelled=10, routes={"one_pass": CURVE})


@pytest.fixture
def labels(clip: Path, tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps({"video": str(clip), "query": "q", "spans": []}) + "\n")
    return path


def test_a_calibration_of_other_weights_does_not_stand_in_the_way_of_a_new_one(
    labels: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "mine"))
    (folder / CALIBRATION_FILE).write_text(calibration("sha256:others").to_json())
    with mock.patch("vidqa.pipeline.calibrate.calibrate") as learns:
        learns.return_value = calibration("sha256:own")
        done = CliRunner().invoke(app, ["calibrate", str(labels), "-m", str(folder), "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["made_for"] == "sha256:own"
    assert "sha256:own" in (folder / CALIBRATION_FILE).read_text()


@pytest.mark.parametrize("out", ["nowhere/calibration.json", "."])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_asked(
    labels: Path, tiny_folder: Path, tmp_path: Path, out: str
) -> None:
    args = ["calibrate", str(labels), "-m", str(tiny_folder), "--out", str(tmp_path / out)]
    with mock.patch("vidqa.session.open_session") as load:
        done = CliRunner().invoke(app, args)
    assert (done.exit_code, done.stdout, load.called) == (2, "", False)
    assert "calibration_unwritable" in done.stderr
