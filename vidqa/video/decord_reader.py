"""A second reader, through decord 0.6: for parity with published pipelines on constant-rate MP4.

decord bundles FFmpeg 4.1 and was measured wrong, without an error, on MPEG-TS and PS, AVI, edit
lists and open GOPs, and to hang on some; so anything but what it gets right is refused by name. It
is never chosen unless asked for. Pictures are found by their number, times come from our own clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import VideoError
from vidqa.video.film import Film
from vidqa.video.film_reader import FilmReader
from vidqa.video.frames import Frames
from vidqa.video.probe import varies
from vidqa.video.resize import Resizer
from vidqa.video.sizes import checked_size

_CODECS = frozenset({"h264", "hevc", "vp9", "mpeg4"})
_BATCH = 8


class _Batch(Protocol):
    def asnumpy(self) -> NDArray[np.uint8]: ...


class _Decord(Protocol):
    def __len__(self) -> int: ...

    def get_batch(self, indices: Sequence[int]) -> _Batch: ...


class DecordReader(FilmReader):
    """Frames of one film through decord; raises ``reader_unsupported`` for what it gets wrong."""

    def __init__(self, film: Film) -> None:
        why = unsupported(film)
        if why is not None:
            raise _refused(film, why)
        super().__init__(film)

    @property
    def decoder(self) -> str:
        """See :attr:`vidqa.video.Reader.decoder`."""
        return f"decord {version('decord')}"

    def read_frames(self, seconds: Sequence[float], size: tuple[int, int]) -> Frames:
        """See :func:`vidqa.video.read_frames`."""
        height, width = checked_size(size)
        film = self._film
        numbers_T = film.clock.on_screen(film.path, seconds)
        rgb_THWC = np.empty((len(numbers_T), height, width, 3), dtype=np.uint8)
        resize = Resizer(height, width)
        for number, rgb_HWC in _pictures(film, np.unique(numbers_T).tolist()):
            first, *others = np.flatnonzero(numbers_T == number)
            resize(rgb_HWC, rgb_THWC[first])
            rgb_THWC[others] = rgb_THWC[first]
        return Frames(
            rgb_THWC=rgb_THWC,
            asked_T=np.asarray(seconds, dtype=np.float64).reshape(-1),
            pts_T=film.clock.seconds_each[numbers_T],
        )

    def read_keyframes(self, seconds: Sequence[float], size: tuple[int, int]) -> Frames:
        """Refused: decord decodes every picture before a key frame, which defeats the purpose."""
        raise _refused(self._film, "it has no mode that decodes key frames alone")


def unsupported(film: Film) -> str | None:
    """Why decord must not read this film; None when it may."""
    return next((why for fails, why in _RULES if fails(film)), None)


def _open_gop(film: Film) -> bool:
    """Whether any picture is shown before the key picture that it follows in the file."""
    index = film.index
    keys = index.keys
    segment = np.searchsorted(keys, np.arange(index.pts_P.size), side="right") - 1
    return bool((index.pts_P < index.pts_P[keys[segment]]).any())


_RULES: Sequence[tuple[Callable[[Film], bool], str]] = (
    (lambda film: film.container != "mp4", "it is right on MP4 and MOV files only"),
    (lambda film: film.video_codec not in _CODECS, "it cannot be trusted with this codec"),
    (lambda film: film.clock.decoded, "the packets' own times do not tell frames apart"),
    (lambda film: varies(film.clock), "it loses time where the frame rate varies"),
    (lambda film: not film.index.shown_P.all(), "it shows frames that an edit list cuts away"),
    (lambda film: film.unreadable_from_s is not None, "it hangs where a file ends too early"),
    (_open_gop, "it hands out wrong pictures around open GOPs"),
    (lambda film: film.orientation.mirrored, "it does not mirror pictures"),
)


def _pictures(film: Film, numbers: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(number, RGB as displayed) for frames by number in presentation order, ascending."""
    source = _open(film)
    for at in range(0, len(numbers), _BATCH):
        part = list(numbers[at : at + _BATCH])
        try:
            rgb_BHWC = source.get_batch(part).asnumpy()
        except RuntimeError as err:
            raise VideoError(
                f"{film.path}: decord cannot decode frames {part[0]} to {part[-1]} ({err})",
                code="undecodable",
                next_step="Use the default reader, pyav.",
            ) from err
        yield from zip(part, rgb_BHWC, strict=True)


def _open(film: Film) -> _Decord:
    try:
        import decord  # Linux x86-64 only, and optional
    except ImportError as err:
        raise VideoError(
            "the decord reader needs the decord package, which is not installed here",
            code="reader_missing",
            next_step="pip install decord (Linux on x86-64), or use the default reader, pyav.",
        ) from err
    try:
        source: _Decord = decord.VideoReader(str(film.path.absolute()), num_threads=1)
    except RuntimeError as err:
        raise _refused(film, "it cannot open the file") from err
    if len(source) != film.clock.pts_F.size:
        raise _refused(film, f"it counts {len(source)} frames, not {film.clock.pts_F.size}")
    return source


def _refused(film: Film, why: str) -> VideoError:
    return VideoError(
        f"{film.path}: not for the decord reader: {why}",
        code="reader_unsupported",
        next_step="Use the default reader, pyav, which is exact here.",
    )
