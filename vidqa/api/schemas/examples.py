"""One job from its request to its result, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Any

JOB_ID = "job_01jd9x5t3vq7m0z8k2c4e6g8ha"
VIDEO_ID = "vid_01jd9x4kq2r8w5y1n3b6d9f0sc"
SEGMENT_ID = "seg_01jd9x6a7h4t2m9p5v8z1k3qre"
_VIDEO = {
    "id": "sha256:9f2c1d0e5b7a48c6903f7e21a4d8b5c6e1f0a9d8c7b6a5f4e3d2c1b0a9f8e7d6",
    "kind": "video",
    "duration": 7261.4,
    "start_time": 1.4,
    "vfr": True,
    "width": 1280,
    "height": 720,
}
_SEGMENT = {
    "id": SEGMENT_ID,
    "start": 3723.48,
    "end": 3727.02,
    "start_tc": "01:02:03.480",
    "end_tc": "01:02:07.020",
    "score": 0.91,
    "confidence": None,
    "precision_s": 0.5,
    "evidence": [{"pts": 3723.98, "sha256": "5d41402abc4b2a76b9719d911017c592"}],
}
_HOW = {
    "coverage": {"start": 0.0, "end": 7261.4, "fraction": 1.0},
    "passes": [],
    "cache": {"features": "hit", "prefix": "miss"},
    "model": "nano@sha256:3f7a",
    "reply": {"text": "3723.5 - 3727.0", "kind": "range", "tokens": 14, "cut_short": False},
    "timings": {"decode": 1.2, "vision": 0.8, "text": 0.3},
    "familiar": True,
    "ended_early": None,
    "notes": [],
}
GROUND_REQUEST: dict[str, Any] = {
    "video": {"video_id": VIDEO_ID},
    "query": "person opens the door",
    "end": "1:30:00",
}
ASK_REQUEST: dict[str, Any] = {
    "video": {"video_id": VIDEO_ID},
    "question": "What is the person carrying?",
}
DESCRIBE_REQUEST: dict[str, Any] = {"video": {"video_id": VIDEO_ID}, "start": 60, "end": 180}
INDEX_REQUEST: dict[str, Any] = {
    "videos": [{"video_id": VIDEO_ID}],
    "archive_id": "default",
    "tags": ["yard"],
}
SEARCH_REQUEST: dict[str, Any] = {"archive_id": "default", "query": "a person opens a door"}
GROUND_EXAMPLE: dict[str, Any] = {
    "outcome": "found",
    "query": "person opens the door",
    "video": _VIDEO,
    "segments": [_SEGMENT],
    "considered": [],
    **_HOW,
}
ASK_EXAMPLE: dict[str, Any] = {
    "outcome": "found",
    "question": "What is the person carrying?",
    "answer": "A ladder.",
    "video": _VIDEO,
    "evidence": [_SEGMENT],
    "marks": [],
    **_HOW,
}
JOB_EXAMPLE: dict[str, Any] = {
    "id": JOB_ID,
    "kind": "ground",
    "state": "in_progress",
    "outcome": None,
    "request": GROUND_REQUEST,
    "video_id": VIDEO_ID,
    "progress": {"stage": "skim", "done": 3, "total": 12, "eta_s": 8.5},
    "attempts": 1,
    "cancel_requested": False,
    "error": None,
    "queue": "gpu",
    "created_at": 1794900000.125,
    "started_at": 1794900000.25,
    "finished_at": None,
    "webhook_url": None,
    "result": None,
}
