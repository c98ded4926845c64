"""Several small runs, one table: resumable at any kill."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from vidqa_nano import ablate, rules, trials
from vidqa_nano.bars import bars
from vidqa_nano.clips import Clips, load_clips
from vidqa_nano.measure import read_whole
from vidqa_nano.publish import publish
from vidqa_nano.recipe import Recipe
from vidqa_nano.scores import Answered, Figure
from vidqa_nano.several import trials as trials_of
from vidqa_nano.standings import blind_standings, standings, table
from vidqa_nano.trainer import Run
from vidqa_nano.trials import Trial

TINY = Recipe(vision_share=0.0, tokens=300, questions=1, longest=((0.0, 8.0),), half=False)

ANY_TOKEN = torch.tensor([[7]])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for drawn frames."""
    return Path(tmp_path_factory.mktemp("cache"))


def killed_once(monkeypatch: pytest.MonkeyPatch, behind: int) -> list[tuple[str, int]]:
    """Every step that is done from now on, as (rule, number); one kill behind so many of them."""
    done: list[tuple[str, int]] = []
    advance = Run.advance

    def counted(run: Run) -> dict[str, float]:
        if len(done) == behind:
            done.append(("killed", 0))
            raise KeyboardInterrupt
        done.append((run.packer.time_rule, run.step))
        return advance(run)

    monkeypatch.setattr(Run, "advance", counted)
    return done


def _one_step_on(run: Run) -> dict[str, float]:
    run.step += 1
    return {}


def arguments(folder: Path, cache: Path, *more: str) -> list[str]:
    options = "--steps 2 --seeds 1 --clips 4 --asked 2 --rates 0.5,2 --save-every 1"
    return ["--run", str(folder), "--cache", str(cache), *options.split(), *more]


def test_a_killed_table_goes_on_and_a_finished_one_is_only_printed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--only", "reference,text", "--plot", str(tmp_path / "r.png"), "--shared", "0"]
    argv = arguments(tmp_path, cache, *more)
    done = killed_once(monkeypatch, behind=3)
    with pytest.raises(KeyboardInterrupt):
        rules.main(argv, TINY)
    assert rules.main(argv, TINY) == 0
    steps = [("reference", 0), ("reference", 1), ("text", 0), ("killed", 0), ("text", 1)]
    assert done == steps
    printed = capsys.readouterr().out
    assert rules.main(argv, TINY) == 0
    assert done == steps
    assert capsys.readouterr().out == printed
    head, *lines = printed.splitlines()
    assert head.split() == ["rules", "0.5", "fps", "2", "fps", "mean", "by", "seed"]
    assert [line.split()[0] for line in lines[:2]] == ["reference", "text"]
    found = json.loads((tmp_path / "rules.json").read_text())
    assert [line["name"] for line in found["lines"]] == ["reference", "text"]
    assert found["recipe"]["steps"] == 2
    with Image.open(tmp_path / "r.png") as picture:
        assert picture.size == (1920, 920)


def test_steps_that_lines_share_are_done_once_and_take_turns_in_telling_time(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = arguments(tmp_path, cache, "--only", "text,reference", "--shared", "0.75")
    argv[argv.index("--steps") + 1] = "4"
    done = killed_once(monkeypatch, behind=2)
    with pytest.raises(KeyboardInterrupt):
        rules.main(argv, TINY)
    assert rules.main(argv, TINY) == 0
    shared = [("reference", 0), ("row_index", 1), ("killed", 0), ("int_truncated", 2)]
    assert done == [*shared, ("text", 3), ("reference", 3)]


def test_other_choices_never_meet_in_a_folder_and_equal_ones_do(tmp_path: Path) -> None:
    setup = trials.Setup(folder=tmp_path, cache=tmp_path)
    when = replace(TINY, **rules.SUBJECT.always)
    several = [*trials_of(rules.SUBJECT.variants, when, [1, 2])]
    several += trials_of(ablate.SUBJECT.variants, TINY, [1, 2])
    several += trials_of({"once more": {}}, TINY, [1])
    homes = [trials.home(trial.recipe, setup) for trial in several]
    assert homes[-1] == homes[10]  # all losses
    assert len({*homes[:10]}) == 10
    assert not {*homes[:10]} & {*homes[10:]}
    assert [trial.name for trial in several[10:18]] == [*ablate.SUBJECT.variants]


def test_every_way_to_tell_time_is_trained_on_questions_of_when(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Recipe] = []
    monkeypatch.setattr(Run, "advance", lambda run: made.append(run.recipe) or _one_step_on(run))
    rules.main(arguments(tmp_path, cache, "--seeds", "3", "--shared", "0"), TINY)
    assert [recipe.time_rule for recipe in made[::2]] == [*rules.SUBJECT.variants]
    assert all(recipe.only_when and recipe.grey == 0 for recipe in made)


def test_trials_can_begin_with_the_tower_of_a_checkpoint(tmp_path: Path, clips: Clips) -> None:
    other = Run(replace(TINY, seed=5), clips)
    publish(other.model, other.tokenizer, tmp_path / "weights")
    setup = trials.Setup(folder=tmp_path, cache=tmp_path, tower=tmp_path / "weights")
    assert trials.home(TINY, setup) != trials.home(TINY, replace(setup, tower=None))
    run = trials.begin(TINY, setup, clips)
    tower, theirs = run.model.vision.state_dict(), other.model.vision.state_dict()
    assert all(torch.equal(tower[name], value) for name, value in theirs.items())
    assert not torch.equal(run.model.embed(ANY_TOKEN), other.model.embed(ANY_TOKEN))


def test_lines_that_make_no_sense_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        ablate.main(arguments(tmp_path, tmp_path, "--only", "no idea"), TINY)
    assert "--only no idea: none of all losses, no seen" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        ablate.main(arguments(tmp_path, tmp_path, "--tower", str(tmp_path)), TINY)
    assert "leave out the lines about it" in capsys.readouterr().err


def test_seeds_are_taken_together_and_told_apart() -> None:
    def trial(seed: int) -> Trial:
        return Trial(name="text", recipe=Recipe(seed=seed))

    right = Answered(0, 10.0, "it rains", [(2.0, 4.0)], [(2.0, 4.0)])
    wrong = Answered(0, 10.0, "it rains", [(2.0, 4.0)], [(6.0, 8.0)])
    found = [(trial(1), {1.0: [right]}), (trial(2), {1.0: [wrong]})]
    (line,) = standings(found)
    assert line.figures[1.0]["mIoU"].value == 0.5
    assert line.by_seed == {1: 1.0, 2: 0.0}
    shown = table("rules", [line], blind_standings(found)).splitlines()
    assert shown[1].split() == ["text", "0.500", "[0.500,", "0.500]", "1.000,", "0.000"]
    assert shown[3].split()[:3] == ["whole", "video", "0.200"]


def test_a_clip_is_drawn_anew_at_a_rate_that_is_not_stored(cache: Path) -> None:
    clips = load_clips(cache, "train", 4)
    sample = read_whole(clips, 0, 1.28)
    assert sample.row_seconds[:3] == [0.0, 1.5625, 3.125]
    assert len(sample.frames_THWC) == len(sample.frame_seconds)
    assert read_whole(clips, 0, 1.0).row_seconds[:3] == [0.0, 2.0, 4.0]


def test_a_bar_is_as_high_as_its_figure() -> None:
    figures = {"1 fps": [Figure(0.5, 0.5, 0.5, 9), Figure(0.25, 0.25, 0.25, 9)]}
    picture = bars("T", ["a", "b"], figures, ("L", 0.0))

    def height(x: int) -> int:
        return sum(picture.getpixel((x, y)) == (182, 212, 238) for y in range(picture.height))

    assert height(400) == pytest.approx(2 * height(1300), abs=6)
