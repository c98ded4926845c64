"""Jobs about an archive that the API makes for its own routes: a search, and embedding it anew.

They need the model, which only a worker has: a search waits for a few milliseconds in the queue, in
front of everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from vidqa.service.requests import ArchiveId, Name, Request, Seconds, Strict, VideoRef, Words

PAGE_MAX = 100
"""Hits on a page: each is folded, named and numbered."""


class SearchFilter(Strict):
    """Which of an archive's videos count."""

    tags: Annotated[tuple[Name, ...], Field(max_length=20, strict=False)] = ()
    """All of them."""
    recorded_from: Annotated[datetime | None, Field(strict=False)] = None
    recorded_until: Annotated[datetime | None, Field(strict=False)] = None
    """Recorded in ``[from, until)``; a video of unknown time never is."""
    shortest_s: Seconds | None = None
    longest_s: Seconds | None = None


class SearchRequest(Request):
    """Stretches of an archive's videos that are like words or a picture."""

    kind = "search"
    archive_id: ArchiveId = "default"
    query: Words | None = None
    image: VideoRef | None = None
    """A picture, uploaded like a video."""
    filter: SearchFilter = SearchFilter()
    group_by: Literal["none", "video"] = "none"
    """``video``: one hit to a video, its best."""
    match: Literal["all", "any"] = "all"
    """Whether a line of subtitles must hold all of the words."""
    min_score: Annotated[float | None, Field(ge=-1, le=1, allow_inf_nan=False)] = None
    page_size: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 20
    page_token: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    verify: bool = False
    """Look at the frames of every hit on the page, and say whether it is so."""
    refine: bool = False
    """Ground the words inside every hit, to the second."""
    deadline_s: Annotated[float | None, Field(gt=0, le=86_400, allow_inf_nan=False)] = None

    @model_validator(mode="after")
    def _one_thing(self) -> SearchRequest:
        if (self.query is None) == (self.image is None):
            raise ValueError("give exactly one of query and image")
        if self.query is None and (self.verify or self.refine):
            raise ValueError("verify and refine are for a search by words")
        return self

    @property
    def refs(self) -> tuple[VideoRef, ...]:
        """The picture, where one is sought."""
        return () if self.image is None else (self.image,)


class ReindexRequest(Request):
    """Every video embedded anew by the model that the workers have now."""

    kind = "reindex"
    queue = "cpu"
    force: bool = False
    """Let the new vectors serve also where some videos cannot be read any more."""


ARCHIVE_REQUESTS: Mapping[str, type[Request]] = {
    each.kind: each for each in (SearchRequest, ReindexRequest)
}
