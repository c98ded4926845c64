"""What each kind of job does: a request and the means to do it in, the result's JSON out.

Safe to run twice: questions read and write nothing but caches, and an index is the same to the bit
whoever goes on with it. Only workers import this.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from vidqa import __version__
from vidqa.effort import Effort
from vidqa.jobs.archive_handlers import named, named_files, reindex, search
from vidqa.jobs.work import Made, Work
from vidqa.pipeline.ingest_report import IngestProgress, Watcher
from vidqa.results import AskResult, DescribeResult, GroundResult
from vidqa.service.archive_requests import ReindexRequest, SearchRequest
from vidqa.service.records import Progress
from vidqa.service.requests import (
    AskRequest,
    DescribeRequest,
    GroundRequest,
    IndexRequest,
    Request,
    VideoRef,
)
from vidqa.service.scoping import archive_name
from vidqa.video import file_sha256


def run(request: Request, work: Work) -> Made:
    """Do the job; raises :class:`vidqa.errors.VidqaError` where that cannot be done, and
    :class:`vidqa.interrupts.Interrupted` where it is to end."""
    handler = cast("Callable[[Request, Work], Made]", _HANDLERS[request.kind])
    return handler(request, work)


def _ground(request: GroundRequest, work: Work) -> Made:
    effort = Effort(
        thorough=request.thorough,
        passes=request.passes,
        precision_s=request.precision_s,
        deadline_s=request.deadline_s,
        halt=work.halt,
    )

    def look() -> GroundResult:
        found = work.session().ground(
            work.file(request.video),
            request.query,
            start_s=request.start,
            end_s=request.end,
            strict=request.strict,
            effort=effort,
        )
        return selected(found, request)

    return _product(request, request.video, work, look)


def _ask(request: AskRequest, work: Work) -> Made:
    effort = Effort(deadline_s=request.deadline_s, halt=work.halt)
    if request.video is None:
        return _ask_archive(request, work, effort)
    video = request.video

    def look() -> AskResult:
        return work.session().ask(
            work.file(video),
            request.question,
            start_s=request.start,
            end_s=request.end,
            system=request.system,
            max_tokens=request.max_tokens,
            effort=effort,
        )

    return _product(request, video, work, look)


def _ask_archive(request: AskRequest, work: Work, effort: Effort) -> Made:
    from vidqa.archive.records import Filter

    name = archive_name(work.job.tenant, request.archive_id or "default")
    answer = work.session().ask_archive(
        request.question, where=Filter(archives=(name,)), effort=effort
    )
    result = named(answer.to_dict(), work.library, work.job.tenant)
    return Made(result, answer.outcome, None)


def _search(request: SearchRequest, work: Work) -> Made:
    image = None if request.image is None else work.file(request.image)
    result = search(
        request, work.session(), work.library, work.job.tenant, image=image, halt=work.halt
    )
    return Made(result, str(result["outcome"]), None)


def _describe(request: DescribeRequest, work: Work) -> Made:
    effort = Effort(deadline_s=request.deadline_s, halt=work.halt)

    def look() -> DescribeResult:
        return work.session().describe(
            work.file(request.video), start_s=request.start, end_s=request.end, effort=effort
        )

    return _product(request, request.video, work, look)


def _index(request: IndexRequest, work: Work) -> Made:
    from vidqa.pipeline.ingest_options import IngestOptions

    files = [work.file(ref) for ref in request.videos]
    session = work.session()
    how = session.context.sampling
    options = IngestOptions(
        archive=archive_name(work.job.tenant, request.archive_id),
        tags=request.tags,
        threads=how.threads,
        reader=how.reader,
    )
    report = session.index(files, options=options, watcher=_watcher(work), halt=work.halt)
    return Made(named_files(report.to_dict(), work.library, work.job.tenant), None, None)


def _reindex(request: ReindexRequest, work: Work) -> Made:
    result = reindex(request, work.session(), watcher=_watcher(work), halt=work.halt)
    return Made(result, None, None)


def _watcher(work: Work) -> Watcher:
    """Tells how an index goes."""

    def told(progress: IngestProgress) -> None:
        work.meter.told(
            Progress(
                stage="index",
                done=progress.files_done,
                total=progress.files,
                eta_s=progress.eta_s,
            )
        )

    return Watcher(progress=told)


_HANDLERS: dict[str, Callable[..., Made]] = {
    "ground": _ground,
    "ask": _ask,
    "describe": _describe,
    "index": _index,
    "search": _search,
    "reindex": _reindex,
}


def selected(found: GroundResult, request: GroundRequest) -> GroundResult:
    """The segments that were asked for: those of a score, the best few, in their order."""
    kept = [s for s in found.segments if s.score >= (request.min_score or 0.0)]
    if request.max_segments is not None:
        best = sorted(kept, key=lambda s: -s.score)[: request.max_segments]
        kept = [s for s in kept if s in best]
    if len(kept) == len(found.segments):
        return found
    note = f"{len(found.segments) - len(kept)} segments were left out by min_score or max_segments."
    provenance = replace(found.provenance, notes=(*found.provenance.notes, note))
    outcome = "uncertain" if found.segments and not kept else found.outcome
    return replace(found, outcome=outcome, segments=tuple(kept), provenance=provenance)


def _product(
    request: Request,
    ref: VideoRef,
    work: Work,
    look: Callable[[], GroundResult | AskResult | DescribeResult],
) -> Made:
    """The product of an earlier job, or of a look now."""
    key = _product_key(request, ref, work)
    known = work.product(key)
    if known is not None:
        return Made(known, str(known["outcome"]), key)
    result = look()
    whole = result.provenance.ended_early is None
    return Made(dict(result.to_dict()), result.outcome, key if whole else None)


def _product_key(request: Request, ref: VideoRef, work: Work) -> str:
    """Digest of the question, the video's bytes, the model and all that it runs with."""
    path = work.file(ref)  # before the model is loaded: it may be refused
    context = work.session().context
    asked = request.to_dict()
    sha256 = work.job.video_sha256 if ref.video_id is not None else None
    asked["video"] = sha256 or file_sha256(path)
    how = [request.kind, asked, context.engine.identity, repr(context.sampling), __version__]
    return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()
