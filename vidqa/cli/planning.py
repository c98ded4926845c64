"""``vidqa plan``: what a question would look at and cost, as JSON values and as a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from vidqa.checkpoints import Checkpoint, find_checkpoint
from vidqa.cli.cards import count_parameters
from vidqa.effort import Effort
from vidqa.pipeline.course import Course, plan_course
from vidqa.pipeline.estimate import estimate_course
from vidqa.pipeline.planning import plan_still, plan_video, sampling_of, window_of
from vidqa.sampling import SamplingMode
from vidqa.settings import load_settings
from vidqa.timeline import format_timecode
from vidqa.video import Frames, Reader, is_still, media, open_reader


def plan_report(
    file: Path,
    *,
    start_s: float | None,
    end_s: float | None,
    mode: SamplingMode,
    read: bool,
    effort: Effort,
    **given: Any,
) -> dict[str, Any]:
    """``video``, ``plan``, ``course`` and, with ``read``, ``frames``: each ``{"time": asked, "pts":
    got}``.

    ``plan`` is the first look, ``course`` what a query of ``ground`` would cost, at most but for
    what comes ``besides``, with about how long that takes on this processor; not where a graphics
    card was asked for. Both times are seconds from the first displayed frame. For an image,
    ``image`` and ``plan``; ``read`` decodes it.
    """
    settings = load_settings(**given)
    checkpoint = find_checkpoint(settings.model)
    sampling = sampling_of(checkpoint, settings, mode)
    if is_still(file):
        decoding = media(sampling.reader)
        still = decoding.read_still(file).info if read else decoding.probe_still(file)
        plan = plan_still(still, sampling, start_s=start_s, end_s=end_s)
        return {"image": still.to_dict(), "model": checkpoint.name, "plan": plan.to_dict()}
    source = open_reader(file, reader=sampling.reader, threads=sampling.threads)
    info = source.info
    window = window_of(info, start_s, end_s) or info.span
    course = plan_course(source, window, sampling, checkpoint.profile, effort)
    if not course.searched and sampling.mode == "qwen":  # a window that is none picks other frames
        plan = plan_video(source, sampling, start_s=start_s, end_s=end_s)
        course = replace(course, plan=plan)
    plan = course.plan
    report: dict[str, Any] = {
        "video": source.info.to_dict(),
        "model": checkpoint.name,
        "plan": plan.to_dict(),
        "course": {
            "searched": course.searched,
            "stages": [stage.to_dict() for stage in course.stages],
            "besides": course.besides,
            "precision_s": course.precision_s,
            "about_s": _about(course, source, checkpoint, settings.device),
        },
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
    if report["course"]["searched"]:
        return [*_course_rows(report), *_frame_rows(report)]
    rows: list[tuple[str, ...]] = [
        ("window", f"{format_timecode(plan['start'])} to {format_timecode(plan['end'])}"),
        ("model", report["model"]),
        ("sampling", f"{plan['mode']}, {plan['fps']:.3g} frames per second"),
        ("frames", f"{plan['frames']} of {plan['width']} x {plan['height']}"),
        ("video tokens", str(plan["video_tokens"])),
        ("precision", f"{plan['precision_s']:.3g} s"),
        *_time_rows(report["course"]["about_s"]),
    ]
    return [*rows, *_frame_rows(report)]


def _course_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """A search, stage by stage; what is paid once stands before what every question pays."""
    plan, course = report["plan"], report["course"]
    duration_s = report["video"]["duration_s"]
    rows: list[tuple[str, ...]] = [
        ("video", f"{format_timecode(duration_s)} long: searched from coarse to fine"),
        ("model", report["model"]),
        ("first look", f"{plan['frames']} frames of {plan['width']} x {plan['height']}"),
    ]
    for stage in course["stages"]:
        paid = "once" if stage["per_video"] else "each question, at most"
        cost = f"{stage['passes']} passes, {stage['frames']} frames, {stage['video_tokens']} tokens"
        rows.append((stage["stage"], f"{cost}, to {stage['precision_s']:.3g} s ({paid})"))
    if course["besides"]:
        rows.append(("besides", course["besides"]))
    return [*rows, ("precision", f"{course['precision_s']:.3g} s"), *_time_rows(course["about_s"])]


def _time_rows(about: dict[str, float] | None) -> list[tuple[str, ...]]:
    if about is None:
        return []
    first, later = (f"{about[name]:.2g} s" for name in ("first", "later"))
    if first == later:
        return [("time", f"about {first} (a rough guess)")]
    return [("time", f"about {first} for the first question, {later} for another (a rough guess)")]


def _frame_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    if "unreadable_from" in report:
        rows.append(("unreadable", f"from {format_timecode(report['unreadable_from'])} on"))
    frames = report.get("frames", ())
    rows.extend(
        (format_timecode(frame["time"]), f"shows {format_timecode(frame['pts'])}")
        for frame in frames
    )
    return rows


def _about(
    course: Course, source: Reader, checkpoint: Checkpoint, device: str
) -> dict[str, float] | None:
    if device == "cuda":
        return None
    parameters = sum(count_parameters(path) for path in checkpoint.weights)
    size = sum(path.stat().st_size for path in checkpoint.weights)
    about = estimate_course(course, source, parameters=parameters, weight_bytes=size)
    return {"first": round(about.first_s, 2), "later": round(about.later_s, 2)}


def _frames_report(frames: Frames) -> dict[str, Any]:
    pairs = zip(frames.asked_T.tolist(), frames.pts_T.tolist(), strict=True)
    report: dict[str, Any] = {"frames": [{"time": asked, "pts": got} for asked, got in pairs]}
    if frames.unreadable_from_s is not None:
        report["unreadable_from"] = frames.unreadable_from_s
    return report
