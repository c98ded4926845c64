"""Ask hours of video a question and get the second it happened, with the frames that prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidqa.effort import Effort
from vidqa.errors import VidqaError
from vidqa.results import AskResult, DescribeResult, GroundResult, Segment
from vidqa.timeline import Span

if TYPE_CHECKING:
    from vidqa.session import Session

__version__ = "0.1.0"

__all__ = [
    "AskResult",
    "DescribeResult",
    "Effort",
    "GroundResult",
    "Segment",
    "Span",
    "VidqaError",
    "__version__",
    "open",
]


def open(**settings: Any) -> Session:  # noqa: A001 (reads as `vidqa.open`)
    """A :class:`~vidqa.session.Session`; settings as in :class:`~vidqa.settings.Settings`.

    Also ``sampling`` ("clock", or "qwen" for parity) and ``progress``, called as
    ``(stage, done, total)``.

    >>> import vidqa
    >>> result = vidqa.open(model="nano").ground("clip.mp4", "person opens door")  # doctest: +SKIP
    """
    # Imported here so that `import vidqa` does not import torch.
    from vidqa.session import open_session

    return open_session(**settings)
