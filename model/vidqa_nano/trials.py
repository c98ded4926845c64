"""One small run among several: trained and asked about clips it never saw, resumable at any kill.

In: a :class:`Trial` (a name and a recipe) and the :class:`Setup` that all trials of a table share.
Out: its answers at every frame rate. A trial lives in a folder of its own, named after everything
that decides its weights: what is there is never done again, and two tables share their equals.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from multiprocessing import parent_process
from pathlib import Path

import torch

from qwen25vl import load_model
from vidqa_nano.answer_files import read_answers, write_answers, write_json
from vidqa_nano.clips import Clips, load_clips
from vidqa_nano.measure import measure
from vidqa_nano.recipe import Recipe
from vidqa_nano.scores import Answered
from vidqa_nano.timing import RULES
from vidqa_nano.trainer import Run, steps_left

ASKED, SAVE_EVERY = 260, 50
Answers = dict[float, list[Answered]]
"""Answers by the frames per second at which clips were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A line of the table, with one of its seeds."""

    name: str
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What all trials of a table share."""

    folder: Path
    """Where trials are kept."""
    cache: Path
    """Where drawn frames are kept."""
    rates: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Frames per second at which clips are read when asked about."""
    asked: int = ASKED
    """Clips of the split ``held_out``, 8 to 32 s long, that are asked about."""
    tower: Path | None = None
    """A checkpoint folder whose vision tower all trials begin with."""
    device: str = "cpu"
    threads: int = 1
    save_every: int = SAVE_EVERY
    """Steps; what a kill costs at most."""


def run_trial(trial: Trial, setup: Setup) -> Answers:
    """Train what is not trained yet and ask what is not asked yet."""
    torch.set_num_threads(setup.threads)
    folder = home(trial.recipe, setup)
    files = {fps: folder / f"answers-{fps:g}-{setup.asked}.json" for fps in setup.rates}
    missing = [fps for fps, file in files.items() if not file.exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        run = _trained(trial, setup, folder)
        clips = held_out(setup)
        for fps in missing:
            _say(trial, f"asked at {fps:g} frames per second")
            write_answers(files[fps], _answers(run, clips, fps))
    return {fps: read_answers(file) for fps, file in files.items()}


def home(recipe: Recipe, setup: Setup) -> Path:
    """The folder of a trial: other choices, or another tower to begin with, have another."""
    found = hashlib.sha256(json.dumps(asdict(recipe), sort_keys=True).encode())
    for file in sorted(setup.tower.glob("*.safetensors")) if setup.tower else ():
        found.update(file.read_bytes())
    return setup.folder / f"seed{recipe.seed}-{recipe.steps}-{found.hexdigest()[:8]}"


def held_out(setup: Setup) -> Clips:
    """The clips that are asked about."""
    return load_clips(setup.cache, "held_out", setup.asked, "short")


def train_shared(recipe: Recipe, setup: Setup) -> Path:
    """Train the steps that every line of the table has, where it is not done; the state after them.

    What differs between lines is how rows tell their time, and in these steps all ways take turns.
    """
    common = Trial(name="shared", recipe=replace(recipe, time_rule=RULES[0]))
    saved = home(common.recipe, setup).with_suffix(".shared.pt")
    _train(common, setup, saved, saved, until=recipe.rules_in_turn)
    return saved


def _trained(trial: Trial, setup: Setup, folder: Path) -> Run:
    """The trial's run at its end."""
    saved = folder / "run.pt"
    write_json(folder / "recipe.json", asdict(trial.recipe))
    shares = trial.recipe.rules_in_turn > 0 and not saved.exists()
    begun = train_shared(trial.recipe, setup) if shares else saved
    return _train(trial, setup, saved, begun, until=trial.recipe.steps)


def _train(trial: Trial, setup: Setup, saved: Path, begun: Path, until: int) -> Run:
    """Go on from what is saved, else from what is begun, else from nothing, up to a step; what is
    saved then is that step."""
    run = _opened(trial.recipe, setup, saved if saved.exists() else begun)
    for step in takewhile(lambda step: step < until, steps_left(run)):
        _stop_with_parent()
        losses = run.advance()
        if (step + 1) % setup.save_every == 0 or step + 1 == until:
            run.save(saved)
            shown = " ".join(f"{name}={value:.3g}" for name, value in losses.items())
            _say(trial, f"step {step + 1} of {run.recipe.steps}, {run.elapsed_s:.0f} s, {shown}")
    return run


def _opened(recipe: Recipe, setup: Setup, saved: Path) -> Run:
    """The run saved there, telling time by this recipe from here on, or a new one."""
    clips = load_clips(setup.cache, "train", recipe.clips)
    if saved.exists():
        changes = {"time_rule": recipe.time_rule}
        return Run.resume(saved, clips, device=setup.device, changes=changes)
    return begin(recipe, setup, clips)


def begin(recipe: Recipe, setup: Setup, clips: Clips) -> Run:
    """A new run, with the tower that all begin with."""
    run = Run(recipe, clips, device=setup.device)
    if setup.tower:
        run.model.vision.load_state_dict(load_model(setup.tower).vision.state_dict())
    return run


def _answers(run: Run, clips: Clips, fps: float) -> Iterable[Answered]:
    rule = run.recipe.time_rule
    return measure(run.model, run.tokenizer, clips, range(len(clips)), time_rule=rule, fps=fps)


def _stop_with_parent() -> None:
    """A worker whose table was killed must not write beside the one that is started next."""
    parent = parent_process()
    if parent is not None and not parent.is_alive():
        raise SystemExit("the run that this trial belongs to is gone")


def _say(trial: Trial, what: str) -> None:
    sys.stderr.write(f"{trial.name}, seed {trial.recipe.seed}: {what}\n")
    sys.stderr.flush()
