"""One picture from a file: sniffed by its bytes, turned as displayed, 8-bit RGB on white.

Axes: H rows, W columns, C colours (RGB).

Pillow reads the files; only the format that the first bytes tell is tried. Colour profiles are not
applied: the model was fed pictures without them (qwen-vl-utils 0.0.14 only converts to RGB).
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, features

from vidqa.errors import VideoError
from vidqa.video.gif import is_animated
from vidqa.video.limits import DEFAULT_LIMITS, Limits
from vidqa.video.resize import Resizer
from vidqa.video.sizes import checked_size
from vidqa.video.sniff import read_head

Picture = NDArray[np.uint8]
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}
_AVIF = frozenset({b"avif", b"avis"})
_HEIC = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError)
"""What Pillow's decoders raise on damaged files, with ``struct.error`` and ``zlib.error``."""
_ORIENTATION = 0x0112
_SIXTEEN_BIT = 257
"""65535 / 255: the step from 16 bits to 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillInfo:
    """Facts about one picture file."""

    path: Path
    kind: str
    """Always ``image``."""
    format: str
    """PNG, JPEG, MPO (several JPEGs in one), WEBP, GIF, BMP, TIFF or AVIF, told by the bytes."""
    mode: str
    """How the file holds colours, in Pillow's terms: RGB, L, P, CMYK, I;16 and so on."""
    width: int
    """Displayed, after the EXIF orientation."""
    height: int
    exif_orientation: int
    """1 to 8 as the file states it; 1 is upright."""
    pictures: int
    """How many the file holds; only the first is looked at."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, fields in the order above."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True, slots=True)
class Still:
    """One picture as displayed."""

    info: StillInfo
    rgb_HWC: Picture

    def resized(self, height: int, width: int) -> Picture:
        """The picture (height, width, 3), by the filter that frames go through."""
        checked_size((height, width))
        out_hwC = np.empty((height, width, 3), dtype=np.uint8)
        Resizer(height, width)(self.rgb_HWC, out_hwC)
        return out_hwC


def is_still(path: Path) -> bool:
    """Whether the file is a picture, not a film: told by its bytes, never by its name.

    A GIF of several pictures is a film. Raises :class:`VideoError` on a file that cannot be opened,
    and on HEIC, which is a picture that nothing here can read.
    """
    kind = _format(path)
    if kind != "GIF":
        return kind is not None
    try:
        return not is_animated(path)
    except OSError as err:
        raise VideoError(
            f"{path}: cannot be read ({err.strerror})",
            code="file_unreadable",
            next_step="Check the path and its permissions.",
        ) from err


def check_still(path: Path) -> str:
    """Pillow's name of a picture's format, told by its bytes; raises ``not_a_picture``."""
    kind = _format(path)
    if kind is None:
        raise VideoError(
            f"{path}: not a picture",
            code="not_a_picture",
            next_step="Give a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.",
        )
    return kind


def probe_still(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> StillInfo:
    """Facts from the header alone; raises :class:`VideoError` as :func:`read_still`."""
    with _opened(path, limits) as image:
        return _info(path, image)


def read_still(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Still:
    """The first picture of a file, decoded whole.

    Raises :class:`VideoError`: ``frame_too_large`` before anything is decoded, ``not_a_picture``,
    or ``undecodable`` for one that is cut short or broken.
    """
    with _opened(path, limits) as image:
        info = _info(path, image)
        image.load()
        upright = ImageOps.exif_transpose(image)
        return Still(info, _rgb(path, upright))


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Image.Image]:
    kind = check_still(path)
    with _readable(path), Image.open(path, formats=(kind,)) as image:
        _check_size(path, image.size, limits)
        yield image


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Pillow's errors as ours. Its warnings are about metadata, but for the one on size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise _too_large(f"{path}: the stated size", DEFAULT_LIMITS) from err
    except (*_BROKEN, struct.error, zlib.error) as err:
        raise VideoError(
            f"{path}: the picture is cut short or damaged ({err})",
            code="undecodable",
            next_step="Open it in a viewer and save it again, or give another file.",
        ) from err


def _format(path: Path) -> str | None:
    """Pillow's name of the format; ``None`` when the bytes are no picture's."""
    head = read_head(path)
    if head[4:8] == b"ftyp" and head[8:12] in _AVIF | _HEIC:
        return _boxed(path, head[8:12])
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _boxed(path: Path, brand: bytes) -> str:
    """AVIF where the installed Pillow reads it; HEIC it never does."""
    if brand in _AVIF and features.check("avif"):
        return "AVIF"
    raise VideoError(
        f"{path}: {brand.decode()} pictures cannot be read here",
        code="codec_unsupported",
        next_step="Convert it to PNG or JPEG.",
    )


def _check_size(path: Path, size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if max(size) > limits.frame_side or width * height > limits.frame_pixels:
        raise _too_large(f"{path}: {width} x {height} pixels", limits)


def _too_large(what: str, limits: Limits) -> VideoError:
    return VideoError(
        f"{what} is more than {limits.frame_side} a side or {limits.frame_pixels:,} in all",
        code="frame_too_large",
        next_step="Give a smaller copy; the model sees far fewer pixels than this.",
    )


def _info(path: Path, image: Image.Image) -> StillInfo:
    stated = image.getexif().get(_ORIENTATION, 1)
    turn = stated if stated in range(1, 9) else 1
    width, height = image.size if turn < 5 else image.size[::-1]
    return StillInfo(
        path=path,
        kind="image",
        format=str(image.format),
        mode=image.mode,
        width=width,
        height=height,
        exif_orientation=turn,
        pictures=getattr(image, "n_frames", 1),
    )


def _rgb(path: Path, image: Image.Image) -> Picture:
    """Any mode as RGB (H, W, 3) uint8; what is transparent is white, as qwen-vl-utils has it."""
    if image.mode.startswith("I"):  # 16 bits of grey: Pillow's own conversion would clip
        grey_HW = _eight_bits(path, np.asarray(image))
        return np.repeat(grey_HW[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise _no_range(path)
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _eight_bits(path: Path, grey_HW: NDArray[np.generic]) -> Picture:
    wide_HW = grey_HW.astype(np.float64)
    if wide_HW.min() < 0 or wide_HW.max() > np.iinfo(np.uint16).max:
        raise _no_range(path)
    return np.rint(wide_HW / _SIXTEEN_BIT).astype(np.uint8)


def _no_range(path: Path) -> VideoError:
    return VideoError(
        f"{path}: its numbers have no stated black and white",
        code="codec_unsupported",
        next_step="Save it as an 8-bit or 16-bit picture.",
    )
