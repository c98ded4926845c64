"""Videos whose files are not where they were: overwritten, or gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from vidqa.archive.discover import exists, lies_below
from vidqa.archive.records import Filter, Video
from vidqa.archive.remote import is_url
from vidqa.archive.store import Store
from vidqa.errors import ArchiveError

_PAGE = 500


def videos_of(store: Store, where: Filter) -> Iterator[Video]:
    """All videos that match, page by page."""
    after = 0
    while page := store.videos(where, after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def remove_overwritten(store: Store, archive: str) -> list[str]:
    """Remove videos that lie nowhere any more, other bytes having taken their last place; their
    digests. To be asked once all files were looked at: till then one may turn up elsewhere."""
    nowhere = [v for v in videos_of(store, Filter(archives=[archive])) if not v.locations]
    return [digest for video in nowhere for digest in _removed(store, video.id)]


def gone_from(store: Store, archive: str, roots: Sequence[str]) -> list[str]:
    """Known local files below these folders that are no longer there."""
    known = videos_of(store, Filter(archives=[archive]))
    places = (place for video in known for place in video.locations)
    return [
        place.url
        for place in places
        if not is_url(place.url) and lies_below(place.url, roots) and not exists(place)
    ]


def prune(store: Store, archive: str, gone: Sequence[str]) -> list[str]:
    """Forget these places, and remove the videos that lie nowhere else; their digests."""
    for url in gone:
        store.unplace(archive, url)
    return remove_overwritten(store, archive)


def _removed(store: Store, video_id: int) -> list[str]:
    with suppress(ArchiveError):  # another process has removed it, or knows a place by now
        if not store.video(video_id).locations:
            return [store.delete_video(video_id).digest]
    return []
