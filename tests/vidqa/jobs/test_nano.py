"""A worker with the built-in model, killed once while it loads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vidqa.jobs.services import EmbeddedService

ROOT = Path(__file__).resolve().parents[3]
CLIP = ROOT / "examples" / "door.mp4"


def test_a_question_is_answered_and_a_repeat_finds_its_product(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDQA_FAULT", f"while_loading:kill@{tmp_path / 'once'}")
    monkeypatch.setenv("VIDQA_MODEL", "nano")
    settings = {"media_roots": [str(CLIP.parent)], "lease_s": 30, "heartbeat_s": 10}
    service = EmbeddedService(tmp_path / "data", {**settings, "progress_limit_s": 300})
    service.start()
    asked = {"video": {"path": str(CLIP)}, "query": "person opens door"}
    try:
        jobs = [service.store.submit("ann", "ground", asked).job for _ in range(2)]
        first, again = (service.wait(job) for job in jobs)
        outside = {"video": {"path": str(tmp_path / "once")}, "query": "x"}
        refused = service.wait(service.store.submit("ann", "ground", outside).job)
    finally:
        service.stop()
    assert (first.state, first.outcome, first.attempts) == ("completed", "found", 2)
    results = [service.store.result("ann", job.id) for job in (first, again)]
    [segment] = results[0]["segments"]
    assert segment["start"] < 8 < segment["end"]
    # The same look: its very timings; but a segment of its own.
    assert results[1]["timings"] == results[0]["timings"]
    assert results[1]["segments"][0]["id"] != segment["id"]
    assert refused.error is not None
    assert refused.error["code"] == "path_refused"
    service.store.close()
