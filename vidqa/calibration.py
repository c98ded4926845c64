"""How probable an answer is, from how a checkpoint has done on labelled questions; no torch.

In: ``calibration.json`` of a checkpoint's folder, where it has one, and what is known of an answer
(:class:`Signs`). Out: a probability. The map is a logistic regression that weighs the signs, then a
rising step curve (isotonic regression, pool adjacent violators) from its scores to shares of right
answers. :mod:`vidqa.pipeline.calibrate` makes it. Axes: N answers, F signs of each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import ModelError
from vidqa.signs import Signs

CALIBRATION_FILE = "calibration.json"
Route = Literal["one_pass", "search"]
"""How an answer was come by: signs mean other things after one pass than after a search."""
ROUTES: tuple[Route, ...] = ("one_pass", "search")
LEAST_ANSWERS = 10
"""Fewer tell nothing."""
Floats = NDArray[np.float64]
_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The map of one route, and how it was found to do; the fields are those of the file."""

    weights: tuple[float, ...]
    """(F,) of the logistic regression."""
    knots: tuple[tuple[float, float], ...]
    """(score, probability), both rising; straight lines between them, level outside."""
    found_from: float
    """The least probability with which an answer is given as found."""
    precision_factor: float
    """Times the plain precision within which both ends of nine in ten right answers lay, at least
    1: what is stated is the plain precision times this."""
    count: int
    """Answers it was made from."""
    right: int
    """How many of those were right."""
    ece: float
    """Expected calibration error on answers left out in turn, 10 bins of equal width."""
    ece_before: float
    """The same of the bare ordering, had it been taken for a probability."""

    def probability(self, signs: Signs) -> float:
        """How probable it is that an answer with these signs is right."""
        score = float(np.dot(self.weights, signs.features))
        scores, chances = zip(*self.knots, strict=True)
        return float(np.interp(score, scores, chances))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The maps of one checkpoint."""

    made_for: str
    """Digest of the checkpoint that was calibrated."""
    labelled: int
    """Labelled questions that were asked."""
    routes: Mapping[str, Curve]

    def to_json(self) -> str:
        """The file's text."""
        routes = {name: asdict(curve) for name, curve in self.routes.items()}
        told = {"made_for": self.made_for, "labelled": self.labelled, "routes": routes}
        return json.dumps(told, allow_nan=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """What :meth:`to_json` wrote; raises :class:`ModelError` where a name is missing or
        unknown, or where a curve's numbers are none that a fit gives."""
        try:
            given = json.loads(text)
            routes = {name: _curve(name, value) for name, value in given.pop("routes").items()}
            return cls(routes=routes, **given)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as err:
            raise _broken(str(err) or type(err).__name__) from err


def curve_of(calibration: Calibration | None, route: Route) -> Curve | None:
    """The map of a route; ``None`` where the checkpoint has no calibration, or none of it."""
    return calibration.routes.get(route) if calibration else None


def read_calibration(folder: Path, made_for: str) -> Calibration | None:
    """The calibration of the folder's checkpoint, of digest ``made_for``; None where it has none.

    Raises :class:`ModelError` on a file that cannot be read, or that is of other weights.
    """
    path = folder / CALIBRATION_FILE
    if not path.is_file():
        return None
    try:
        found = Calibration.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as err:
        raise _broken(str(err)) from err
    if found.made_for != made_for:
        raise _broken(f"it was made for {found.made_for}, and these weights are {made_for}")
    return found


def fit_curve(signs: Sequence[Signs], right: Sequence[bool], off: Sequence[float]) -> Curve:
    """A map from answers that are known to be right or wrong.

    ``off`` is how far the worse end of each right answer lay off, in units of its plain precision.
    Its errors are measured on fifths that were left out in turn. Raises :class:`ModelError` when
    there are fewer than ten answers, or all are right, or all are wrong.
    """
    x_NF = np.array([each.features for each in signs], dtype=np.float64)
    y_N = np.array(right, dtype=np.float64)
    if len(y_N) < LEAST_ANSWERS or not 0 < y_N.sum() < len(y_N):
        raise ModelError(
            f"{len(y_N)} answers, {int(y_N.sum())} of them right, tell nothing of confidence",
            code="calibration_impossible",
            next_step="Label more questions: some that the model answers rightly, some wrongly.",
        )
    held_out_N = _held_out(x_NF, y_N)
    weights_F, knots = _fit(x_NF, y_N)
    return Curve(
        weights=tuple(weights_F.tolist()),
        knots=knots,
        found_from=_best_threshold(held_out_N, y_N),
        precision_factor=max(1.0, float(np.quantile(off, 0.9)) if len(off) else 1.0),
        count=len(y_N),
        right=int(y_N.sum()),
        ece=expected_error(held_out_N, y_N),
        ece_before=expected_error(np.array([each.score for each in signs]), y_N),
    )


def expected_error(chance_N: Floats, right_N: Floats) -> float:
    """Expected calibration error (Guo et al., arXiv 1706.04599): over bins of equal width, how far
    the mean probability lies from the share that was right, weighed by how many there are."""
    bins_N = np.minimum((chance_N * _BINS).astype(int), _BINS - 1)
    off = 0.0
    for k in range(_BINS):
        inside = bins_N == k
        if inside.any():
            off += inside.sum() * abs(chance_N[inside].mean() - right_N[inside].mean())
    return float(off / len(chance_N))


def _fit(x_NF: Floats, y_N: Floats) -> tuple[Floats, tuple[tuple[float, float], ...]]:
    weights_F = _logistic(x_NF, y_N)
    return weights_F, _rising(x_NF @ weights_F, y_N)


def _held_out(x_NF: Floats, y_N: Floats, folds: int = 5) -> Floats:
    """The probability of each answer under a map made without its fold."""
    order_N = np.random.default_rng(0).permutation(len(y_N))
    chance_N = np.zeros(len(y_N))
    for k in range(folds):
        out = order_N[k::folds]
        kept = np.setdiff1d(order_N, out)
        if not 0 < y_N[kept].sum() < len(kept):
            chance_N[out] = y_N[kept].mean()
            continue
        weights_F, knots = _fit(x_NF[kept], y_N[kept])
        scores, chances = zip(*knots, strict=True)
        chance_N[out] = np.interp(x_NF[out] @ weights_F, scores, chances)
    return chance_N


def _logistic(x_NF: Floats, y_N: Floats, ridge: float = 1.0, steps: int = 50) -> Floats:
    """Weights of a logistic regression with a squared penalty, by Newton's method."""
    weights_F = np.zeros(x_NF.shape[1])
    penalty_FF = ridge * np.eye(x_NF.shape[1])
    penalty_FF[0, 0] = 1e-6  # the constant is free
    for _ in range(steps):
        chance_N = 1 / (1 + np.exp(-np.clip(x_NF @ weights_F, -30, 30)))
        slope_F = x_NF.T @ (chance_N - y_N) + penalty_FF @ weights_F
        bend_FF = (x_NF.T * (chance_N * (1 - chance_N))) @ x_NF + penalty_FF
        change_F = np.linalg.solve(bend_FF, slope_F)
        weights_F -= change_F
        if np.abs(change_F).max() < 1e-8:
            break
    return weights_F


def _rising(score_N: Floats, y_N: Floats) -> tuple[tuple[float, float], ...]:
    """Isotonic regression by pooling adjacent violators: (mean score, share right) of each pool.

    A share of k in n is taken as (k + 1) / (n + 2): a pool of two right answers is no certainty.
    """
    pools: list[list[float]] = []  # sum of scores, right ones, all
    for k in np.argsort(score_N, kind="stable"):
        pools.append([float(score_N[k]), float(y_N[k]), 1.0])
        while len(pools) > 1 and pools[-2][1] / pools[-2][2] >= pools[-1][1] / pools[-1][2]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    shares = np.maximum.accumulate([(right + 1) / (count + 2) for _, right, count in pools])
    means = [total / count for total, _, count in pools]
    return tuple(zip(means, shares.tolist(), strict=True))


def _best_threshold(chance_N: Floats, right_N: Floats) -> float:
    """The least probability to call found, at most a half: most right kept less wrong given."""
    tried = sorted({round(float(c), 6) for c in chance_N if c <= 0.5} | {0.5})
    wrong_N = 1 - right_N
    gain = [
        (right_N[chance_N >= t].sum() / right_N.sum())
        - (wrong_N[chance_N >= t].sum() / wrong_N.sum())
        for t in tried
    ]
    return tried[int(np.argmax(gain))]


def _curve(name: str, value: Mapping[str, Any]) -> Curve:
    """A curve of the file; raises :class:`ValueError` that says what is wrong with it."""
    told = dict(value)
    told["weights"] = tuple(float(w) for w in told["weights"])
    told["knots"] = tuple((float(x), float(y)) for x, y in told["knots"])
    curve = Curve(**told)
    scores, chances = np.array(curve.knots).reshape(-1, 2).T
    wanted = len(Signs(digits=0.5).features)
    checks = {
        f"there is no route of that name, only {' and '.join(ROUTES)}": name in ROUTES,
        f"it has {len(curve.weights)} weights, not {wanted}": len(curve.weights) == wanted,
        "it has no knots": len(curve.knots) > 0,
        "its weights or knots are not finite": np.isfinite([*curve.weights, *scores]).all(),
        "its knots do not rise": (np.diff(scores) >= 0).all() and (np.diff(chances) >= 0).all(),
        "a probability in it is not between 0 and 1": all(
            0 <= c <= 1 for c in (*chances, curve.found_from)
        ),
        f"its precision_factor is {curve.precision_factor}, not 1 or more": (
            1 <= curve.precision_factor < math.inf
        ),
    }
    for wrong, right in checks.items():
        if not right:
            raise ValueError(f"route {name!r}: {wrong}")
    return curve


def _broken(why: str) -> ModelError:
    return ModelError(
        f"{CALIBRATION_FILE} of the checkpoint cannot be used: {why}",
        code="calibration_unusable",
        next_step="Remove the file, or run vidqa calibrate again; answers do not need it.",
    )
