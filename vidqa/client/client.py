"""The service from Python: ``Client(url, key)``, then the same verbs as in the library.

``upload(path) -> Video``, ``ground(video, query) -> Result`` and so on. A call sends a job, follows
it, and returns what it found; ``client.jobs`` has the steps one by one. Imports no torch.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from vidqa.client.archives import Archives
from vidqa.client.jobs import Jobs, OnProgress
from vidqa.client.records import (
    Found,
    Job,
    Result,
    Video,
    found_of,
    job_of,
    read,
    result_of,
    video_of,
)
from vidqa.client.transport import Patience, Transport
from vidqa.client.upload import OnBytes, upload

VideoLike = Video | str | PathLike[str]
"""A video of the library, its id (``vid_...``), a URL that the service may fetch, or a local file,
which is uploaded first unless the library has its bytes."""
_TIMEOUT_S = 60.0
_WAIT_S = 25
"""How long the service is asked to hold a request until its job has ended."""


class Client:
    """A connection to one service; close it, or use it in a ``with`` block.

    Safe for several threads. Every method raises :class:`vidqa.client.ServiceError`.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``key`` is the one that ``vidqa keys add`` printed; the variable ``VIDQA_API_KEY`` where
        none is given. ``transport`` replaces the network, for tests."""
        key = key or os.environ.get("VIDQA_API_KEY")
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=_TIMEOUT_S, transport=transport
        )
        self._transport = Transport(self._http, patience or Patience())
        self.jobs = Jobs(self._transport)
        self.archives = Archives(self._transport)

    def upload(
        self, path: str | PathLike[str], *, name: str | None = None, progress: OnBytes | None = None
    ) -> Video:
        """A local file in the library, from where an earlier attempt left off.

        Nothing is sent where the library has the same bytes. ``name`` is for display, the file's
        own unless given; ``progress`` is told bytes done and bytes in all.
        """
        return upload(self._transport, Path(path), name=name, progress=progress)

    def videos(self) -> Iterator[Video]:
        """Every video of the library, the newest first."""
        token: str | None = None
        while True:
            query = {"page_size": 100, "page_token": token}
            page = self._transport.json("GET", "/v1/videos", query=query)
            for body in page.get("videos", ()):
                yield read(video_of, body)
            token = page.get("next_page_token")
            if token is None:
                return

    def video(self, video_id: str) -> Video:
        """One video of the library."""
        return read(video_of, self._transport.json("GET", f"/v1/videos/{video_id}"))

    def delete_video(self, video_id: str) -> None:
        """Forget a video and its bytes."""
        self._transport.send("DELETE", f"/v1/videos/{video_id}")

    def ground(
        self,
        video: VideoLike,
        query: str,
        *,
        progress: OnProgress | None = None,
        timeout_s: float | None = None,
        **how: Any,
    ) -> Result:
        """When ``query`` happens in the video; ``how`` is what ``POST /v1/ground`` takes besides:
        ``start``, ``end``, ``max_segments``, ``min_score``, ``precision_s``, ``thorough``,
        ``passes``, ``deadline_s``, ``strict``."""
        body = {"video": self._named(video), "query": query, **how}
        return self._run("ground", body, progress, timeout_s)

    def ask(
        self,
        video: VideoLike | None,
        question: str,
        *,
        archive: str | None = None,
        progress: OnProgress | None = None,
        timeout_s: float | None = None,
        **how: Any,
    ) -> Result:
        """The answer to ``question`` from the video, or from all videos of ``archive`` where
        ``video`` is None; ``how``: ``start``, ``end``, ``system``, ``max_tokens``."""
        of = {"archive_id": archive} if video is None else {"video": self._named(video)}
        return self._run("ask", {**of, "question": question, **how}, progress, timeout_s)

    def describe(
        self,
        video: VideoLike,
        *,
        progress: OnProgress | None = None,
        timeout_s: float | None = None,
        **how: Any,
    ) -> Result:
        """What happens in the video, as chapters; ``how``: ``start``, ``end``."""
        return self._run("describe", {"video": self._named(video), **how}, progress, timeout_s)

    def index(
        self,
        videos: VideoLike | Sequence[VideoLike],
        archive: str,
        *,
        tags: Sequence[str] = (),
        progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Put videos into an archive, for search."""
        several = [videos] if isinstance(videos, (str, PathLike, Video)) else videos
        named = [self._named(each) for each in several]
        body = {"videos": named, "archive_id": archive, "tags": list(tags)}
        return self._run("index", body, progress, timeout_s)

    def search(self, archive: str, query: str, **how: Any) -> Found:
        """A page of stretches of the archive's videos that are like ``query``; ``how``: ``filter``,
        ``group_by``, ``min_score``, ``page_size``, ``page_token``, ``verify``."""
        body = {"archive_id": archive, "query": query, **how}
        response, told = self._transport.reply(
            "POST", "/v1/search", body=body, headers=_creating(_WAIT_S)
        )
        if response.status_code == httpx.codes.ACCEPTED:
            told = dict(self.jobs.wait(told["id"]).raw)
        return read(found_of, told)

    def wait(
        self,
        job: Job | str,
        progress: OnProgress | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Result:
        """A job's result as soon as it is there; see :meth:`Jobs.wait`."""
        job_id = job if isinstance(job, str) else job.id
        return self.jobs.wait(job_id, progress=progress, timeout_s=timeout_s)

    def clip(self, segment_id: str) -> bytes:
        """A segment as an MP4 file."""
        path = f"/v1/segments/{segment_id}/clip.mp4"
        return self._transport.send("GET", path, timeout_s=300.0).content

    def frame(self, segment_id: str, pts_s: float | None = None) -> bytes:
        """One frame of a segment as JPEG: the one at ``pts_s``, or at its start."""
        path = f"/v1/segments/{segment_id}/frame.jpg"
        return self._transport.send("GET", path, query={"pts": pts_s}).content

    def close(self) -> None:
        """Let go of every connection."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(
        self,
        kind: str,
        body: Mapping[str, Any],
        progress: OnProgress | None,
        timeout_s: float | None,
    ) -> Result:
        """Send a job and wait for it: within the request where nobody wants to see progress."""
        quick = progress is None and (timeout_s is None or timeout_s > _WAIT_S)
        response, told = self._transport.reply(
            "POST", f"/v1/{kind}", body=body, headers=_creating(_WAIT_S if quick else 0)
        )
        if response.status_code == httpx.codes.ACCEPTED:
            job = read(job_of, told)
            return self.jobs.wait(job.id, progress=progress, timeout_s=timeout_s)
        job_id = response.headers.get("location", "").rpartition("/")[2]
        return read(lambda result: result_of(job_id, result), told)

    def _named(self, video: VideoLike) -> dict[str, str]:
        if isinstance(video, Video):
            return {"video_id": video.id}
        if isinstance(video, str) and video.startswith("vid_"):
            return {"video_id": video}
        if isinstance(video, str) and video.startswith(("http://", "https://")):
            return {"url": video}
        return {"video_id": self.upload(video).id}


def _creating(wait_s: int) -> dict[str, str]:
    prefer = f"respond-async, wait={wait_s}" if wait_s else "respond-async"
    return {"Prefer": prefer, "Idempotency-Key": str(uuid.uuid4())}
