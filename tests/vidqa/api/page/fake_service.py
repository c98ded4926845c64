"""A small service with the real one's routes: what the page sees, under a test's control.

Results are what ``vidqa --json`` printed for the clips in ``examples/``. What a question holds
decides what becomes of its job: "wait" runs until it is cancelled or ``go_on`` is set, "break"
fails, "unsure" is uncertain, "cat" does not happen, anything else is found.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import itertools
import json
import time
from collections.abc import AsyncIterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from vidqa.api.page import page_routes

Body = dict[str, Any]
RESULTS = Path(__file__).parent / "results"
_KINDS = {"ground": "found", "ask": "asked", "describe": "described"}


def canned(name: str) -> Body:
    """A result as the command line printed it."""
    body: Body = json.loads((RESULTS / f"{name}.json").read_text())
    return body


class FakeService:
    """State and routes; a test reads and changes the public fields."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.videos: dict[str, Body] = {}
        self.uploads: dict[str, Body] = {}
        self.jobs: dict[str, Body] = {}
        self.archives: list[Body] = []
        self.key: str | None = None
        self.problem: tuple[str, Body] | None = None
        """The start of a path, and the problem that every request to it gets."""
        self.break_uploads_after: int | None = None
        """So many bytes of an upload are taken, then its connection fails once."""
        self.go_on = False
        self.clip: Path | None = None
        """What every clip is; the first video where none is given."""
        self.requests: list[str] = []
        self.changed_results: dict[str, Body] = {}
        """Fields that take the place of those in a result, by the question."""
        self._count = itertools.count(1)

    def add_video(self, path: Path, *, name: str | None = None, kind: str = "video") -> str:
        """Puts a file into the library and returns its id."""
        video_id = self._id("vid")
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            facts = {
                "kind": kind,
                "duration": float(container.duration or 0) / av.time_base,
                "width": stream.width,
                "height": stream.height,
                "vfr": False,
            }
        self.videos[video_id] = {
            "id": video_id,
            "name": name or path.name,
            "bytes": path.stat().st_size,
            "sha256": "0" * 64,
            "state": "ready",
            "created_at": time.time(),
            "facts": facts,
            "error": None,
            "path": str(path),
        }
        return video_id

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._count):026d}"

    def app(self) -> FastAPI:
        """The application, page included."""
        app = FastAPI()

        @app.middleware("http")
        async def doors(request: Request, call_next: Any) -> Response:
            path = request.url.path
            self.requests.append(f"{request.method} {path}")
            if path.startswith("/v1"):
                if self.problem and path.startswith(self.problem[0]):
                    return _problem(self.problem[1])
                if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
                    return _problem({**_KEY_WANTED, "detail": "this service needs a key"})
            answer: Response = await call_next(request)
            return answer

        app.router.routes.extend(page_routes())
        self._video_routes(app)
        self._upload_routes(app)
        self._job_routes(app)
        self._archive_routes(app)
        return app

    def _video_routes(self, app: FastAPI) -> None:
        @app.get("/v1/videos")
        async def videos(page_size: int = 20, page_token: int = 0) -> Body:
            first = page_token
            newest = list(self.videos.values())[::-1]
            shown = newest[first : first + page_size]
            more = first + page_size < len(newest)
            return {"videos": shown, "next_page_token": str(first + page_size) if more else None}

        @app.get("/v1/videos/{video_id}")
        async def video(video_id: str) -> Response:
            if video_id not in self.videos:
                return _problem(_MISSING)
            return JSONResponse(self.videos[video_id])

        @app.get("/v1/videos/{video_id}/content")
        async def content(video_id: str) -> Response:
            return FileResponse(self.videos[video_id]["path"], media_type="video/mp4")

        @app.get("/v1/segments/{segment_id}/frame.jpg")
        def frame(segment_id: str, pts: float = 0.0) -> Response:
            path = next(iter(self.videos.values()))["path"]
            return Response(_frame(path, pts), media_type="image/jpeg")

        @app.get("/v1/segments/{segment_id}/clip.mp4")
        async def clip(segment_id: str) -> Response:
            path = self.clip or next(iter(self.videos.values()))["path"]
            return FileResponse(path, media_type="video/mp4")

    def _upload_routes(self, app: FastAPI) -> None:
        @app.post("/v1/uploads")
        async def begin(request: Request) -> Response:
            upload_id = self._id("upl")
            named = dict(pair.split(" ") for pair in request.headers["upload-metadata"].split(","))
            self.uploads[upload_id] = {
                "bytes": b"",
                "length": int(request.headers["upload-length"]),
                "name": base64.b64decode(named["filename"]).decode(),
            }
            return Response(status_code=201, headers={"Location": f"/v1/uploads/{upload_id}"})

        @app.head("/v1/uploads/{upload_id}")
        async def offset(upload_id: str) -> Response:
            if upload_id not in self.uploads:
                return _problem(_MISSING)
            return Response(headers={"Upload-Offset": str(len(self.uploads[upload_id]["bytes"]))})

        @app.patch("/v1/uploads/{upload_id}")
        async def piece(upload_id: str, request: Request) -> Response:
            upload = self.uploads[upload_id]
            assert int(request.headers["upload-offset"]) == len(upload["bytes"])
            sent = await request.body()
            if self.break_uploads_after is not None:
                upload["bytes"] += sent[: self.break_uploads_after]
                self.break_uploads_after = None
                return _problem({**_AWAY, "detail": "the disk is busy"})
            upload["bytes"] += sent
            headers = {"Upload-Offset": str(len(upload["bytes"]))}
            if len(upload["bytes"]) == upload["length"]:
                path = self.folder / f"{upload_id}.mp4"
                path.write_bytes(upload["bytes"])
                video_id = self.add_video(path, name=upload["name"])
                headers["Content-Location"] = f"/v1/videos/{video_id}"
            return Response(status_code=204, headers=headers)

    def _job_routes(self, app: FastAPI) -> None:
        async def submit(kind: str, request: Request) -> Response:
            body = await request.json()
            assert request.headers["idempotency-key"]
            return JSONResponse(self.add_job(kind, body), status_code=202)

        for kind in ("ground", "ask", "describe", "index"):
            app.post(f"/v1/{kind}")(_named(submit, kind))

        @app.get("/v1/jobs")
        async def jobs(page_size: int = 20, page_token: int = 0) -> Body:
            first = page_token
            newest = list(self.jobs.values())[::-1]
            more = first + page_size < len(newest)
            page = newest[first : first + page_size]
            return {"jobs": page, "next_page_token": str(first + page_size) if more else None}

        @app.get("/v1/jobs/{job_id}")
        async def job(job_id: str) -> Response:
            return JSONResponse(self.jobs[job_id]) if job_id in self.jobs else _problem(_MISSING)

        @app.get("/v1/jobs/{job_id}/events")
        async def events(job_id: str, request: Request) -> StreamingResponse:
            after = int(request.headers.get("last-event-id", "0"))
            return StreamingResponse(self._run(job_id, after), media_type="text/event-stream")

        @app.post("/v1/jobs/{job_id}/cancel")
        async def cancel(job_id: str) -> Body:
            self.jobs[job_id]["cancel_requested"] = True
            return self.jobs[job_id]

        @app.post("/v1/jobs/{job_id}/retry")
        async def retry(job_id: str) -> Body:
            self.jobs[job_id] |= {"state": "queued", "error": None, "cancel_requested": False}
            return self.jobs[job_id]

        @app.get("/v1/jobs/{job_id}/export")
        async def export(job_id: str, request: Request) -> Response:
            name = request.query_params["format"]
            text = f"{name} of {job_id}"
            named = {"Content-Disposition": f'attachment; filename="door.{name}"'}
            return Response(text, media_type="text/plain", headers=named)

    def add_job(self, kind: str, request: Body) -> Body:
        """A queued job."""
        job_id = self._id("job")
        self.jobs[job_id] = {
            "id": job_id,
            "kind": kind,
            "request": request,
            "state": "queued",
            "outcome": None,
            "video_id": (request.get("video") or {}).get("video_id"),
            "progress": {"stage": "", "done": 0, "total": 0, "eta_s": None},
            "attempts": 0,
            "error": None,
            "cancel_requested": False,
            "created_at": time.time(),
            "result": None,
        }
        return self.jobs[job_id]

    def finished_job(self, kind: str, request: Body) -> str:
        """A job that has ended, and its id."""
        job = self.add_job(kind, request)
        self._end(job, str(request.get("query", "")))
        return str(job["id"])

    async def _run(self, job_id: str, after: int) -> AsyncIterator[str]:
        job = self.jobs[job_id]
        words = str(job["request"].get("query") or job["request"].get("question") or "")
        seq = after
        job["state"] = "in_progress"
        for done in range(1, 4):
            seq += 1
            progress = {"stage": "vision", "done": done * 8, "total": 38, "eta_s": 12.0 - done}
            job["progress"] = progress
            yield _event(seq, "job.progress", {"progress": progress})
            await asyncio.sleep(0.03)
        while "wait" in words and not self.go_on and not job["cancel_requested"]:
            yield ": alive\n\n"
            await asyncio.sleep(0.05)
        self._end(job, words)
        yield _event(seq + 1, f"job.{job['state']}", {"id": job_id})

    def _end(self, job: Body, words: str) -> None:
        if job["cancel_requested"]:
            job["state"] = "cancelled"
        elif "break" in words:
            job |= {"state": "failed", "error": _BROKEN, "attempts": 3}
        else:
            result = self._result(job, words) | self.changed_results.get(words, {})
            job |= {"state": "completed", "outcome": result.get("outcome"), "result": result}

    def _result(self, job: Body, words: str) -> Body:
        if job["kind"] == "index":
            return {"files": [{"name": "door.mp4", "outcome": "indexed", "clips": 4, "notes": []}]}
        if job["kind"] == "ask" and "archive_id" in job["request"]:
            return self._with_ids(canned("archive_answer"))
        name = "not_found" if "cat" in words else _KINDS[job["kind"]]
        result = self._with_ids(canned(name))
        if "unsure" in words:
            result |= {"outcome": "uncertain", "segments": []}
        asked = "query" if job["kind"] == "ground" else "question"
        return result | ({asked: words} if asked in result else {})

    def _with_ids(self, result: Body) -> Body:
        result = copy.deepcopy(result)
        for name in ("segments", "evidence", "chapters", "hits", "citations", "others"):
            for each in result.get(name, ()):
                each["id"] = self._id("seg")
                if "path" in each.get("video", {}):
                    each["video"]["video_id"] = next(iter(self.videos), None)
        return result

    def _archive_routes(self, app: FastAPI) -> None:
        @app.get("/v1/archives")
        async def archives() -> Body:
            return {"archives": self.archives}

        @app.post("/v1/archives")
        async def create(request: Request) -> Response:
            name = (await request.json())["name"]
            self.archives.append({"id": name, "name": name, "videos": 0})
            return JSONResponse(self.archives[-1], status_code=201)

        @app.post("/v1/search")
        async def search(request: Request) -> Response:
            body = await request.json()
            found = self._with_ids(canned("hits"))
            if not body["verify"]:
                for hit in found["hits"]:
                    hit |= {"verdict": None, "probability": None}
            return JSONResponse(found)


def _named(submit: Any, kind: str) -> Any:
    async def route(request: Request) -> Response:
        answer: Response = await submit(kind, request)
        return answer

    return route


def _event(seq: int, kind: str, data: Body) -> str:
    return f"id: {seq}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"


def _problem(body: Body) -> JSONResponse:
    return JSONResponse(body, status_code=body["status"], media_type="application/problem+json")


@lru_cache
def _frame(path: str, pts: float) -> bytes:
    with av.open(path) as container:
        container.seek(int(pts * av.time_base))
        frames = container.decode(video=0)
        frame = next(each for each in frames if each.time is not None and each.time >= pts - 0.02)
        picture = io.BytesIO()
        frame.to_image().resize((224, 224)).save(picture, "JPEG")
    return picture.getvalue()


_KEY_WANTED = {"status": 401, "code": "key_missing", "title": "Key missing", "next_step": ""}
_MISSING = {
    "status": 404,
    "code": "video_missing",
    "detail": "there is no such thing here",
    "next_step": "Look in the list of videos.",
}
_AWAY = {"status": 503, "code": "disk_busy", "retryable": True, "next_step": "Try again."}
_BROKEN = {
    "code": "video_undecodable",
    "stage": "video",
    "message": "moov atom missing after 12.4 MiB",
    "next_step": "Copy the file again; its end is missing.",
    "retryable": False,
}
