"""Ask hours of video a question and get the second it happened, with the frames that prove it."""

from __future__ import annotations

from vidqa.errors import VidqaError
from vidqa.timeline import Span

__version__ = "0.1.0"

__all__ = ["Span", "VidqaError", "__version__"]
