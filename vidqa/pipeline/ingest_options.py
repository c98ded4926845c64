"""What may be chosen about an ingest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vidqa.archive.remote import Remote

ARCHIVE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """How files become part of an archive."""

    archive: str = ARCHIVE
    """Name of the collection within the database."""
    tags: Sequence[str] = ()
    """Given to every video, also to those that are there already."""
    remote: Remote = field(default_factory=Remote)
    """Which URLs may be fetched."""
    retry: bool = False
    """Try files again that failed and have not changed since."""
    prune: bool = False
    """Remove videos whose files lay in the folders and are gone from everywhere known."""
    lease_s: float = 30.0
    """For how long a claim stands when its holder dies; it is renewed three times in that."""
    threads: int = 2
    """That decode, beside the one that embeds."""
    reader: str = "pyav"
    """How files are decoded, see :func:`vidqa.video.media`."""
