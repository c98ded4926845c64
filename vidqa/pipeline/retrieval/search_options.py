"""What may be chosen about a search of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vidqa.archive.filing import EVERYTHING
from vidqa.archive.records import Filter
from vidqa.errors import QueryError
from vidqa.pipeline.retrieval.alike import ALIKE

POOL = 300
"""Clips that are ranked: thirty times a page of ten, for neighbours and copies become one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How an archive is searched."""

    where: Filter = EVERYTHING
    limit: int = 10
    """Hits on a page."""
    offset: int = 0
    page_token: str | None = None
    """Of the page before, in place of ``offset``."""
    min_score: float | None = None
    """Least cosine of a hit; one whose subtitles hold the words stays."""
    by_video: bool = False
    """One hit to a video, its best."""
    alike: float = ALIKE
    """Cosine from which on hits of different videos that look the same are one; above 1 never."""
    pool: int = POOL
    """Clips that are ranked."""
    match: Literal["all", "any"] = "all"
    """Whether a line of subtitles must hold all of the words."""

    def __post_init__(self) -> None:
        if self.pool < 1:
            raise QueryError(
                f"a pool of {self.pool} clips",
                code="pool_impossible",
                next_step=f"Rank one clip or more; {POOL} is usual.",
            )
