"""What footage a checkpoint was made for, told by its own vision tokens; no torch.

In: ``familiar.json`` of a checkpoint's folder, where it has one, and the tokens of what was
watched. Out: how far that is from the clips behind the file, and whether it is too far. Axes: R
rows, M vision tokens of a row, D decoder width, F = D + 1 numbers of a row, K directions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import ModelError

FAMILIAR_FILE = "familiar.json"
_LEAST_SPREAD = 1e-6
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiar:
    """Rows of familiar clips as one Gaussian: strong directions, and one width for the rest.

    The fields are those of the file.
    """

    made_for: str
    """Digest of the checkpoint whose tokens were described."""
    clips: int
    """Clips the Gaussian was fitted to."""
    held_out: int
    """Further clips, which ``limit`` was measured on."""
    share: float
    """Share of the held-out clips that stay within ``limit``."""
    limit: float
    mean: Floats
    """(F,)"""
    scale: Floats
    """(F,), standard deviations; everything below is in units of them."""
    directions: Floats
    """(K, F), orthonormal up to rounding."""
    variances: Floats
    """(K,) along the directions."""
    rest: float
    """Variance along any other direction."""

    def distance(self, tokens_RMD: NDArray[np.floating]) -> float:
        """The median row's distance: about 1 for familiar footage, whatever its length.

        Raises :class:`ModelError` on tokens of another width.
        """
        rows_RF = row_features(tokens_RMD)
        if rows_RF.shape[1:] != self.mean.shape:
            raise _broken(f"it describes {len(self.mean) - 1} numbers a token, not those given")
        y_RF = (rows_RF - self.mean) / self.scale
        z_RK = y_RF @ self.directions.T
        rest_R = np.maximum((y_RF**2).sum(1) - (z_RK**2).sum(1), 0.0)
        square_R = (z_RK**2 / self.variances).sum(1) + rest_R / self.rest
        return float(np.median(np.sqrt(square_R / len(self.mean))))

    def covers(self, tokens_RMD: NDArray[np.floating]) -> bool:
        """Whether the tokens lie within ``limit``."""
        return self.distance(tokens_RMD) <= self.limit

    def to_json(self) -> str:
        """The file's text."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}
        return json.dumps(plain, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Familiar:
        """Raises :class:`ModelError` on anything that :meth:`to_json` would not write."""
        try:
            given = json.loads(text)
            made = cls(**{name: _VALUES[name](value) for name, value in given.items()})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as err:
            raise _broken(str(err) or type(err).__name__) from err
        if not made.is_whole:
            raise _broken("its numbers do not fit together")
        return made

    @property
    def is_whole(self) -> bool:
        """Whether the shapes agree and every width is positive."""
        f, k = len(self.mean), len(self.variances)
        shapes = (self.scale.shape, self.directions.shape) == ((f,), (k, f))
        widths = np.concatenate([self.scale, self.variances, [self.rest, self.limit]])
        return shapes and bool((widths > 0).all())


def row_features(tokens_RMD: NDArray[np.floating]) -> Floats:
    """A row's mean token and the logarithm of how much its tokens differ: (R, D + 1).

    The second tells an empty picture, whose mean may be that of any, from one that shows something.
    """
    tokens = tokens_RMD.astype(np.float64)
    mean_R1D = tokens.mean(1, keepdims=True)
    spread_R1 = np.sqrt(((tokens - mean_R1D) ** 2).mean((1, 2)))[:, None]
    return np.concatenate([mean_R1D[:, 0], np.log(spread_R1 + _LEAST_SPREAD)], 1)


def read_familiar(folder: Path, made_for: str) -> Familiar | None:
    """What the folder's checkpoint, of digest ``made_for``, was made for; None: it does not say.

    Raises :class:`ModelError` on a file that cannot be read, or that describes other weights.
    """
    path = folder / FAMILIAR_FILE
    if not path.is_file():
        return None
    try:
        found = Familiar.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as err:
        raise _broken(str(err)) from err
    if found.made_for != made_for:
        raise _broken(f"it was made for {found.made_for}, and these weights are {made_for}")
    return found


def _broken(why: str) -> ModelError:
    return ModelError(
        f"{FAMILIAR_FILE} of the checkpoint cannot be used: {why}",
        code="familiar_unusable",
        next_step="Remove the file or make it again; answers do not need it.",
    )


def _floats(value: object) -> Floats:
    return np.asarray(value, dtype=np.float64)


_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "made_for": str,
    "clips": int,
    "held_out": int,
    "share": float,
    "limit": float,
    "mean": _floats,
    "scale": _floats,
    "directions": _floats,
    "variances": _floats,
    "rest": float,
}
