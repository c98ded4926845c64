"""What every reader knows of its film without reading from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vidqa.video.film import Film, key_times
from vidqa.video.probe import VideoInfo, describe


class FilmReader:
    """The part of :class:`vidqa.video.Reader` that a measured film answers."""

    def __init__(self, film: Film) -> None:
        self._film = film

    @property
    def info(self) -> VideoInfo:
        """What ``probe`` says of the film."""
        return describe(self._film)

    @property
    def frame_times_T(self) -> NDArray[np.float64]:
        """See :func:`vidqa.video.frame_times`."""
        return self._film.clock.seconds_each

    def shown_times(self, seconds: Sequence[float]) -> NDArray[np.float64]:
        """See :meth:`vidqa.video.Reader.shown_times`."""
        clock = self._film.clock
        return clock.seconds(clock.pts_F[clock.on_screen(self._film.path, seconds)])

    @property
    def key_times_T(self) -> NDArray[np.float64]:
        """See :attr:`vidqa.video.Reader.key_times_T`."""
        return key_times(self._film)
