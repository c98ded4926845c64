"""Nano's own world is familiar to it; real footage, noise and an empty picture are not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

import vidqa
from vidqa.cli.main import app
from vidqa.familiar import FAMILIAR_FILE, Familiar
from vidqa.session import Session
from vidqa_nano import weights_folder
from vidqa_nano.familiar import describe, gaussian, main
from vidqa_nano.film import FAST, write_film
from vidqa_nano.story import story_of

CLIPS = 64


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights with a description made of a few dozen clips."""
    folder = tmp_path_factory.mktemp("familiar") / "nano"
    shutil.copytree(weights_folder(), folder, ignore=shutil.ignore_patterns(FAMILIAR_FILE))
    assert main(["--weights", str(folder), "--clips", str(CLIPS)]) == 0
    return folder


@pytest.fixture(scope="module")
def session(weights: Path) -> Session:
    return vidqa.open(model=str(weights), device="cpu")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of the held-out split."""
    path = tmp_path_factory.mktemp("film") / "drawn.mp4"
    write_film(story_of("held_out", 3, "short"), path, side=224, fps=5, effort=FAST)
    return path


def write_frames(path: Path, rgb_THWC: NDArray[np.uint8]) -> Path:
    """A film of these frames, 4 a second."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=4, options={"crf": "10"})
        stream.height, stream.width = rgb_THWC.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for rgb_HWC in rgb_THWC:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(rgb_HWC, format="rgb24")))
        film.mux(stream.encode())
    return path


def test_the_file_is_small_and_says_what_is_behind_it(weights: Path) -> None:
    text = (weights / FAMILIAR_FILE).read_text(encoding="utf-8")
    found = Familiar.from_json(text)
    assert len(text) < 150_000
    assert (found.clips, found.held_out, found.share) == (48, 16, 0.995)
    assert vidqa.open(model=str(weights), device="cpu").context.engine.identity.endswith(
        found.made_for
    )


def test_the_same_weights_give_the_same_file() -> None:
    assert describe(weights_folder(), 4).to_json() == describe(weights_folder(), 4).to_json()


def test_a_gaussian_gives_back_the_widths_it_was_drawn_with() -> None:
    drawn = np.random.default_rng(0).normal(size=(20_000, 3)) * (5.0, 1.0, 1.0) + (7.0, 0.0, 0.0)
    found = gaussian(drawn, 1)
    assert found["mean"] == pytest.approx([7, 0, 0], abs=0.1)
    assert found["scale"] == pytest.approx([5, 1, 1], rel=0.02)
    assert (found["directions"].shape, found["variances"].shape) == ((1, 3), (1,))
    assert found["rest"] == pytest.approx(1.0, rel=0.05)


def test_a_drawn_clip_that_nothing_was_fitted_to_is_familiar(session: Session, drawn: Path) -> None:
    told = session.ground(drawn, "person opens door").provenance
    assert told.familiar is True
    assert not any("does not look like" in note for note in told.notes)


def test_real_footage_is_not_familiar(session: Session, shared: Path) -> None:
    films = [path for path in sorted((shared / "videos").iterdir()) if path.suffix != ".md"]
    known = {path.name: session.ask(path, "What happens?").provenance.familiar for path in films}
    assert known == dict.fromkeys(known, False)
    assert len(known) == 10


@pytest.mark.parametrize("kind", ["noise", "grey", "blue"])
def test_noise_and_an_empty_picture_are_not_familiar(
    session: Session, tmp_path: Path, kind: str
) -> None:
    shape = (24, 64, 64, 3)
    frames = {
        "noise": np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8),
        "grey": np.full(shape, 128, np.uint8),
        "blue": np.full(shape, (40, 90, 200), np.uint8),
    }[kind]
    told = session.ground(write_frames(tmp_path / "film.mp4", frames), "dog runs").provenance
    assert told.familiar is False
    assert told.notes[0] == (
        "This footage does not look like what nano was made for; its answer means little."
    )


def test_the_command_line_says_it_once_on_stderr_and_in_the_result(
    weights: Path, tmp_path: Path
) -> None:
    film = write_frames(tmp_path / "film.mp4", np.full((24, 64, 64, 3), 128, np.uint8))
    done = CliRunner().invoke(app, ["ground", str(film), "dog runs", "-m", str(weights), "--json"])
    assert json.loads(done.stdout)["familiar"] is False
    assert done.stderr.count("does not look like what nano was made for") == 1
    assert done.stderr.count("For real footage name a checkpoint") == 1


def test_of_familiar_footage_the_command_line_says_nothing(weights: Path, drawn: Path) -> None:
    done = CliRunner().invoke(app, ["ground", str(drawn), "dog runs", "-m", str(weights), "--json"])
    assert json.loads(done.stdout)["familiar"] is True
    assert "For real footage" not in done.stderr
