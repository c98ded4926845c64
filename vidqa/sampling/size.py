"""Frame sizes: source pixels and bounds in, multiples of the token block out.

``smart_resize`` and ``frame_pixels`` are the rules of qwen-vl-utils 0.0.14 with its parameters,
integer for integer. They can leave their own bounds (a floor that wins over the budget, a side of
0 on very long pictures); ``fit_size`` is what we use: the same answer wherever that one is sound,
and always within the bounds.
"""

from __future__ import annotations

import math

from vidqa.errors import PlanError

MAX_RATIO = 200
"""Long side over short side above which the reference gives up."""


def smart_resize(
    height: int, width: int, *, factor: int = 28, min_pixels: int, max_pixels: float
) -> tuple[int, int]:
    """(height, width) in multiples of ``factor`` near the source, its area between the bounds.

    Raises :class:`PlanError` above a ratio of 200. A thin picture that must shrink may come out
    with a side of 0, and one that must grow may exceed ``max_pixels``: so does the reference.
    """
    if max(height, width) > MAX_RATIO * min(height, width):
        raise PlanError(
            f"{width}x{height} is thinner than 1:{MAX_RATIO}",
            code="aspect_extreme",
            next_step="Crop the picture, or let fit_size squeeze it.",
        )
    rows, columns = max(1, round(height / factor)), max(1, round(width / factor))
    if rows * columns * factor**2 > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        rows, columns = (math.floor(side / shrink / factor) for side in (height, width))
    elif rows * columns * factor**2 < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        rows, columns = (math.ceil(side * grow / factor) for side in (height, width))
    return rows * factor, columns * factor


def frame_pixels(
    frames: int, *, min_pixels: int, total_pixels: float, max_pixels: int | None = None,
    factor: int = 28, frame_tokens_max: int = 768,
) -> float:  # fmt: skip
    """Pixels one frame may have when ``frames`` of them, two to a row, share ``total_pixels``.

    The floor of 1.05 x ``min_pixels`` wins over the total; a ``max_pixels`` above it is ignored.
    """
    share = min(frame_tokens_max * factor**2, total_pixels / frames * 2)
    cap = max(share, int(min_pixels * 1.05))
    return cap if max_pixels is None else min(max_pixels, cap)


def fit_size(
    height: int, width: int, *, block: int, tokens_min: int, tokens_max: int
) -> tuple[int, int]:
    """(height, width) in multiples of ``block``, never more than ``tokens_max`` blocks in all.

    The aspect is kept as well as whole blocks allow and a small picture is enlarged to about
    ``tokens_min`` blocks. A picture too thin for that keeps one block on its short side and is
    squeezed along the long one.
    """
    area, ratio = block**2, max(height, width) / min(height, width)
    if ratio > MAX_RATIO:
        return _bounded(height / block, width / block, block, tokens_max)
    high, wide = smart_resize(
        height, width, factor=block, min_pixels=tokens_min * area, max_pixels=tokens_max * area
    )
    return _bounded(high / block, wide / block, block, tokens_max)


def _bounded(rows: float, columns: float, block: int, tokens_max: int) -> tuple[int, int]:
    """At least one block a side; the long side gives way until the product fits."""
    high, wide = max(1, round(rows)), max(1, round(columns))
    if high >= wide:
        wide = min(wide, tokens_max)
        high = min(high, tokens_max // wide)
    else:
        high = min(high, tokens_max)
        wide = min(wide, tokens_max // high)
    return high * block, wide * block
