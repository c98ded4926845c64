"""What it would cost to ask when something happens (``ground``), before anything is decoded or any
model loaded: the course of a search in passes, frames and tokens, or the one pass that a short
video gets. No torch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from vidqa.budget import FRAMES_MAX, VIDEO_TOKENS_MAX
from vidqa.effort import Effort
from vidqa.pipeline.closeup import PRECISION_S, close_budget
from vidqa.pipeline.planning import Sampling, plan_video
from vidqa.pipeline.skimming import plan_skim
from vidqa.pipeline.windows import SCAN_SHARE, SHARES, overlapping
from vidqa.profiles import Profile
from vidqa.sampling import Plan, plan_frames
from vidqa.timeline import Span
from vidqa.video import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseStage:
    """One part of a search: at most so much."""

    stage: str
    passes: int
    """Runs of the model within one pass's budget."""
    frames: int
    """Frames decoded; 0 where rows of the skim are asked again."""
    video_tokens: int
    """Of all passes together."""
    precision_s: float
    """What an answer read off these rows can resolve."""
    per_video: bool
    """Paid once for all questions, not by each."""
    speaks: bool
    """Whether the model writes something in each pass."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The stages in order, each at its most."""

    window: Span
    searched: bool
    """Whether the video is searched from coarse to fine; one pass answers where it is not."""
    stages: tuple[CourseStage, ...]
    plan: Plan
    """The first look: all there is, a stretch of the skim, or a window."""
    besides: str = ""
    """What comes on top of the stages, where that depends on what is found."""

    @property
    def precision_s(self) -> float:
        """Of an answer, expected."""
        return min(stage.precision_s for stage in self.stages)

    def total(self, name: str, *, per_video: bool | None = None) -> int:
        """A column's sum, over all stages or those that are paid per video or per question."""
        kept = (s for s in self.stages if per_video is None or s.per_video is per_video)
        return sum(int(getattr(stage, name)) for stage in kept)


def is_too_long(window: Span, sampling: Sampling, profile: Profile, effort: Effort) -> bool:
    """Whether a video is too long for one pass to be trusted, or everything is to be seen.

    The ``qwen`` mode is always one pass: it is there to match pipelines that make one.
    """
    too_long = window.length_s > profile.reach.one_pass_s
    return sampling.mode == "clock" and (too_long or effort.thorough)


def plan_course(
    source: Reader, window: Span, sampling: Sampling, profile: Profile, effort: Effort
) -> Course:
    """The course of one query of ``ground`` about ``window``; raises as :func:`plan_video`."""
    if not is_too_long(window, sampling, profile, effort):
        plan = plan_video(source, sampling, start_s=window.start_s, end_s=window.end_s)
        stage = _stage("ground", 1, plan)
        return Course(window=window, searched=False, stages=(stage,), plan=plan)
    if effort.thorough:
        return _thorough(source, window, sampling, profile, effort)
    return _search(source, window, sampling, profile, effort)


def _search(
    source: Reader, window: Span, sampling: Sampling, profile: Profile, effort: Effort
) -> Course:
    reach = profile.reach
    skim = plan_skim(source.info, source.key_times_T, window, sampling, reach)
    close = _close(source, window, sampling, profile, effort)
    most = effort.passes_of(reach.passes) or reach.passes
    coarse = 1 if reach.whole else 0
    scan = min(max(1, (most - coarse) // SCAN_SHARE), max(0, most - coarse))
    row_tokens = skim.stretches[0].plan.row_tokens
    tokens = min(skim.video_tokens, VIDEO_TOKENS_MAX, FRAMES_MAX // 2 * row_tokens)
    rows_s = skim.precision_s
    stages = [
        CourseStage(
            stage=f"skim ({'key frames' if skim.how == 'keys' else 'clock'})",
            passes=len(skim.stretches),
            frames=skim.frames,
            video_tokens=skim.video_tokens,
            precision_s=rows_s,
            per_video=True,
            speaks=False,
        )
    ]
    for name, passes in (("coarse", coarse), ("scan", scan)):
        if passes:
            stages.append(
                CourseStage(
                    stage=name,
                    passes=passes,
                    frames=0,
                    video_tokens=passes * tokens,
                    precision_s=rows_s,
                    per_video=False,
                    speaks=name == "coarse",
                )
            )
    stages.append(_stage("zoom and vote", most - coarse - scan, close))
    first = skim.stretches[0].plan
    kept = tuple(stage for stage in stages if stage.passes)
    return Course(window=window, searched=True, stages=kept, plan=first)


def _thorough(
    source: Reader, window: Span, sampling: Sampling, profile: Profile, effort: Effort
) -> Course:
    close = _close(source, window, sampling, profile, effort)
    windows = len(overlapping(window, profile.reach.window_s))
    passes, besides = windows, f"votes: up to {len(SHARES)} passes for each event that is found"
    if effort.passes is not None:
        passes = min(windows, effort.passes)
        besides += f", {effort.passes} passes in all at most"
    stage = _stage("windows", passes, close)
    return Course(window=window, searched=True, stages=(stage,), plan=close, besides=besides)


def _close(
    source: Reader, window: Span, sampling: Sampling, profile: Profile, effort: Effort
) -> Plan:
    """One close look, at the start of the window."""
    wanted_s = effort.precision_s or PRECISION_S
    budget = close_budget(sampling, profile.reach, wanted_s)
    near = Span(window.start_s, min(window.end_s, window.start_s + profile.reach.window_s))
    return plan_frames(source.info, budget, window=near, grid=sampling.grid)


def _stage(name: str, passes: int, plan: Plan) -> CourseStage:
    return CourseStage(
        stage=name,
        passes=passes,
        frames=passes * plan.frames,
        video_tokens=passes * plan.video_tokens,
        precision_s=plan.precision_s,
        per_video=False,
        speaks=True,
    )
