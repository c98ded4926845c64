"""What a container says of itself in words: its metadata, keys in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vidqa.video.container import open_video
from vidqa.video.limits import DEFAULT_LIMITS, Limits


def read_tags(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Mapping[str, str]:
    """Metadata of the file and, where the file itself has no such key, of its video stream.

    Raises :class:`vidqa.errors.VideoError` for anything that is not opened.
    """
    with open_video(path, limits) as (container, stream):
        both = {**stream.metadata, **container.metadata}
        return {key.lower(): value for key, value in both.items()}
