"""The size a caller asks for, checked once for all readers."""

from __future__ import annotations

from vidqa.errors import VideoError


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width); raises on a side below one pixel."""
    height, width = size
    if height < 1 or width < 1:
        raise VideoError(
            f"frames cannot be resized to {height} rows of {width} pixels",
            code="size_impossible",
            next_step="Give a height and a width of at least 1 pixel.",
        )
    return height, width
