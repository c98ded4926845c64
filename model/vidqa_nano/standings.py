"""Several trials' answers in; a line of figures for each variant out, as text, JSON, a picture.

All seeds' answers of a line are taken together and clips are resampled: an interval tells what
other clips would give, not what other seeds would. For that there is the mean of each seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from PIL import Image

from vidqa_nano.bars import bars
from vidqa_nano.scores import Answered, Figure, summary, trivial
from vidqa_nano.trials import Answers, Trial

SHOWN = "mIoU"
"""The figure that the table and the plot show."""
_BLIND = ("whole video", "best constant window", "random window")
"""The answers of :func:`vidqa_nano.scores.trivial`, in its order."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A line of the table."""

    name: str
    figures: Mapping[float, Mapping[str, Figure]]
    """By frames per second, then by the names of :func:`vidqa_nano.scores.summary`."""
    by_seed: Mapping[int, float] = field(default_factory=dict)
    """mIoU of each seed, the mean over frame rates."""

    def shown(self) -> list[Figure]:
        """The figure that is shown, by frame rate."""
        return [figures[SHOWN] for figures in self.figures.values()]


def standings(found: Sequence[tuple[Trial, Answers]]) -> list[Standing]:
    """A line for each name, in order of appearance."""
    names = dict.fromkeys(trial.name for trial, _ in found)
    return [_standing(name, [pair for pair in found if pair[0].name == name]) for name in names]


def blind_standings(found: Sequence[tuple[Trial, Answers]]) -> list[Standing]:
    """Lines of answers that look at nothing, to the same questions."""
    by_rate = {fps: [*trivial(given).values()] for fps, given in found[0][1].items()}
    return [
        Standing(name, {fps: summary(several[n]) for fps, several in by_rate.items()})
        for n, name in enumerate(_BLIND)
    ]


def _standing(name: str, found: Sequence[tuple[Trial, Answers]]) -> Standing:
    pooled: dict[float, list[Answered]] = {fps: [] for fps in found[0][1]}
    for _, answers in found:
        for fps, given in answers.items():
            pooled[fps] += given
    by_seed = {trial.recipe.seed: _mean(answers) for trial, answers in found}
    return Standing(name, {fps: summary(given) for fps, given in pooled.items()}, by_seed)


def _mean(answers: Answers) -> float:
    return sum(summary(given)[SHOWN].value for given in answers.values()) / len(answers)


def table(subject: str, lines: Sequence[Standing], blind: Sequence[Standing]) -> str:
    """The lines as text; those that look at nothing come last."""
    wide = max(len(line.name) for line in [*lines, *blind]) + 2
    rates = "".join(f"{f'{fps:g} fps':<22}" for fps in lines[0].figures)
    counts = ", ".join(str(figure.count) for figure in lines[0].shown())
    rows = [f"{subject:<{wide}}{rates}mean by seed"]
    rows += [f"{line.name:<{wide}}{_cells(line)}{_seeds(line)}" for line in lines]
    rows += ["looking at nothing:"]
    rows += [f"{line.name:<{wide}}{_cells(line)}" for line in blind]
    rows += [f"{SHOWN} [95 % interval]; answers: {counts}"]
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _cells(line: Standing) -> str:
    cells = (f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]" for figure in line.shown())
    return "".join(f"{cell:<22}" for cell in cells)


def _seeds(line: Standing) -> str:
    return ", ".join(f"{value:.3f}" for value in line.by_seed.values())


def json_of(lines: Sequence[Standing], blind: Sequence[Standing]) -> dict[str, Any]:
    """The lines with all their figures."""
    return {"lines": [asdict(line) for line in lines], "blind": [asdict(line) for line in blind]}


def plot(title: str, lines: Sequence[Standing], blind: Sequence[Standing]) -> Image.Image:
    """The table as a picture; a dashed line where the best answers that look at nothing are."""
    series = {
        f"{fps:g} frame{'s' * (fps != 1)} per second": [line.figures[fps][SHOWN] for line in lines]
        for fps in lines[0].figures
    }
    means = [sum(figure.value for figure in line.shown()) / len(series) for line in blind]
    level = ("best without looking", max(means))
    return bars(title, [line.name for line in lines], series, level)
