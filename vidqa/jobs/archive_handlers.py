"""What a worker does for the archive's routes: searches it, and embeds it anew.

Its answers go to whoever has the tenant's key: they name videos by the library's ids and names, and
say where files lie only to this machine's own user.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidqa.archive.records import Filter
from vidqa.effort import Effort, Halt
from vidqa.pipeline.ingest_report import Watcher
from vidqa.pipeline.retrieval.searcher import SearchOptions
from vidqa.service.archive_requests import ReindexRequest, SearchFilter, SearchRequest
from vidqa.service.library import Library
from vidqa.service.records import LOCAL, JsonDict
from vidqa.service.scoping import archive_id_of, archive_name

if TYPE_CHECKING:  # loads torch
    from vidqa.session import Session

_LISTS = ("hits", "citations", "others")


def search(
    request: SearchRequest,
    session: Session,
    library: Library,
    tenant: str,
    *,
    image: Path | None = None,
    halt: Halt | None = None,
) -> JsonDict:
    """A page of hits; ``image`` is where the request's picture lies. Raises as
    :meth:`vidqa.session.Session.search`."""
    options = SearchOptions(
        where=filter_of(request.filter, archive_name(tenant, request.archive_id)),
        limit=request.page_size,
        page_token=request.page_token,
        min_score=request.min_score,
        by_video=request.group_by == "video",
        match=request.match,
    )
    found = session.search(
        request.query,
        image=image,
        verify=request.verify,
        refine=request.refine,
        effort=Effort(deadline_s=request.deadline_s, halt=halt or Halt()),
        options=options,
    )
    return named(found.to_dict(), library, tenant)


def reindex(
    request: ReindexRequest, session: Session, *, watcher: Watcher | None, halt: Halt | None
) -> JsonDict:
    """Every video of the archive's database embedded anew; how many by archive is told, not which:
    they are all tenants'."""
    report = session.reindex(watcher=watcher, halt=halt, force=request.force)
    counts = {name: each.counts() for name, each in report.reports.items()}
    return {
        "archives": counts,
        "missing": len(report.missing),
        "switched": report.switched,
        "interrupted": report.interrupted,
    }


def filter_of(given: SearchFilter, collection: str) -> Filter:
    """The filter of a request, within one collection."""
    return Filter(
        archives=[collection],
        tags=given.tags,
        recorded_from=given.recorded_from,
        recorded_until=given.recorded_until,
        shortest_s=given.shortest_s,
        longest_s=given.longest_s,
    )


def named(result: Mapping[str, Any], library: Library, tenant: str) -> JsonDict:
    """A search's result, or an answer from an archive, with every video named as the tenant knows
    it."""
    told = dict(result)
    shown: dict[str, str] = {}
    for name in _LISTS:
        for hit in told.get(name, ()):
            shown |= _names_in_words(hit["video"], library, tenant)
        if name in told:
            told[name] = [_named_hit(hit, library, tenant, shown) for hit in told[name]]
    if "answer" in told:
        told["answer"] = _in_words(str(told["answer"]), shown)
    return told


def _names_in_words(video: Mapping[str, Any], library: Library, tenant: str) -> dict[str, str]:
    """An answer in words calls a video by its file's name, which in the library is its digest."""
    sha256 = str(video["id"]).removeprefix("sha256:")
    stored = library.find(tenant, sha256)
    return {sha256: sha256[:12] if stored is None else stored.name}


def _in_words(text: str, shown: Mapping[str, str]) -> str:
    for sha256, name in shown.items():
        text = text.replace(sha256, name)
    return text


def named_files(report: Mapping[str, Any], library: Library, tenant: str) -> JsonDict:
    """What came of an index, with every file named as the tenant knows it."""
    return {**report, "files": [_named_file(each, library, tenant) for each in report["files"]]}


def _named_file(file: Mapping[str, Any], library: Library, tenant: str) -> JsonDict:
    """A file of the library lies under the digest of its bytes."""
    place = Path(str(file["url"]))
    stored = library.find(tenant, place.name)
    told = {name: value for name, value in file.items() if name != "video_id"}
    if stored is None or stored.path != place:
        return {**told, "video_id": None, "name": place.name}
    hidden = {name: value for name, value in told.items() if name != "url"}
    return {**hidden, "video_id": stored.id, "name": stored.name}


def _named_hit(
    hit: Mapping[str, Any], library: Library, tenant: str, shown: Mapping[str, str]
) -> JsonDict:
    also = [
        {**each, "video": _named_video(each["video"], library, tenant)}
        for each in hit.get("also_in", ())
    ]
    video = _named_video(hit["video"], library, tenant)
    told = {**hit, "video": video, "also_in": also, "thumbnail": None}
    return {**told, "answer": _in_words(hit["answer"], shown)} if "answer" in hit else told


def _named_video(video: Mapping[str, Any], library: Library, tenant: str) -> JsonDict:
    stored = library.find(tenant, str(video["id"]).removeprefix("sha256:"))
    known = {
        "video_id": None if stored is None else stored.id,
        "name": Path(str(video["path"])).name if stored is None else stored.name,
        "archive": archive_id_of(tenant, str(video["archive"])),
    }
    if stored is None and tenant == LOCAL:
        return {**video, **known}
    hidden = {name: value for name, value in video.items() if name not in ("path", "paths")}
    return {**hidden, **known}
