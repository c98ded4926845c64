"""Whether a GIF moves: its blocks counted in Python, for no decoder should be asked about a file
before it is known what it is.

Source: GIF89a specification, s15 to s27.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_HEADER, _IMAGE_HEAD = 13, 9
_IMAGE, _EXTENSION = 0x2C, 0x21
_MOST_BLOCKS = 1_000_000


def is_animated(path: Path) -> bool:
    """Whether a second picture begins in the file; one that is cut short before it holds one.

    Raises :class:`OSError` when the file cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER)
        if len(header) < _HEADER:
            return False
        _skip_colours(file, header[10])
        pictures = 0
        for _ in range(_MOST_BLOCKS):
            kind = file.read(1)
            if kind == bytes([_IMAGE]):
                pictures += 1
                if pictures == 2:
                    return True
                head = file.read(_IMAGE_HEAD)
                if len(head) < _IMAGE_HEAD:
                    return False
                _skip_colours(file, head[8])
                file.read(1)  # the least size of a code
            elif kind == bytes([_EXTENSION]):
                file.read(1)  # what it is about
            else:
                return False
            _skip_blocks(file)
    return False


def _skip_colours(file: BinaryIO, flags: int) -> None:
    """Over the table of colours that the flags speak of."""
    if flags & 0x80:
        file.read(3 << ((flags & 7) + 1))


def _skip_blocks(file: BinaryIO) -> None:
    """Over blocks of data, each with its length, to the empty one that ends them."""
    while (length := file.read(1)) and length[0]:
        file.read(length[0])
