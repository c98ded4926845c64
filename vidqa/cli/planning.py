"""``vidqa plan``: one pass over a file as JSON values, and as rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vidqa.checkpoints import find_checkpoint
from vidqa.pipeline.planning import plan_still, plan_video, sampling_of
from vidqa.sampling import SamplingMode
from vidqa.settings import load_settings
from vidqa.timeline import format_timecode
from vidqa.video import Frames, is_still, open_reader, probe_still, read_still


def plan_report(
    file: Path,
    *,
    start_s: float | None,
    end_s: float | None,
    mode: SamplingMode,
    read: bool,
    **given: Any,
) -> dict[str, Any]:
    """``video``, ``plan`` and, with ``read``, ``frames``: each ``{"time": asked, "pts": got}``.

    Both times are seconds from the first displayed frame. For an image, ``image`` and ``plan``;
    ``read`` decodes it.
    """
    settings = load_settings(**given)
    checkpoint = find_checkpoint(settings.model)
    sampling = sampling_of(checkpoint, settings, mode)
    if is_still(file):
        still = read_still(file).info if read else probe_still(file)
        plan = plan_still(still, sampling, start_s=start_s, end_s=end_s)
        return {"image": still.to_dict(), "model": checkpoint.name, "plan": plan.to_dict()}
    source = open_reader(file, reader=sampling.reader, threads=sampling.threads)
    plan = plan_video(source, sampling, start_s=start_s, end_s=end_s)
    report: dict[str, Any] = {
        "video": source.info.to_dict(),
        "model": checkpoint.name,
        "plan": plan.to_dict(),
    }
    if read:
        report |= _frames_report(source.read_frames(plan.seconds, (plan.height, plan.width)))
    return report


def plan_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """The same for people."""
    plan = report["plan"]
    if "image" in report:
        return [
            ("model", report["model"]),
            ("image", f"seen at {plan['width']} x {plan['height']}"),
            ("image tokens", str(plan["video_tokens"])),
        ]
    rows: list[tuple[str, ...]] = [
        ("window", f"{format_timecode(plan['start'])} to {format_timecode(plan['end'])}"),
        ("model", report["model"]),
        ("sampling", f"{plan['mode']}, {plan['fps']:.3g} frames per second"),
        ("frames", f"{plan['frames']} of {plan['width']} x {plan['height']}"),
        ("video tokens", str(plan["video_tokens"])),
        ("precision", f"{plan['precision_s']:.3g} s"),
    ]
    if "unreadable_from" in report:
        rows.append(("unreadable", f"from {format_timecode(report['unreadable_from'])} on"))
    frames = report.get("frames", ())
    rows.extend(
        (format_timecode(frame["time"]), f"shows {format_timecode(frame['pts'])}")
        for frame in frames
    )
    return rows


def _frames_report(frames: Frames) -> dict[str, Any]:
    pairs = zip(frames.asked_T.tolist(), frames.pts_T.tolist(), strict=True)
    report: dict[str, Any] = {"frames": [{"time": asked, "pts": got} for asked, got in pairs]}
    if frames.unreadable_from_s is not None:
        report["unreadable_from"] = frames.unreadable_from_s
    return report
