"""The frames of a plan and their vision tokens: those known are recalled, only the others decoded.

Axes: T frames, R rows, F frames in a row, B bytes of a row's tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vidqa.cache import Recalled, Rows, RowStore, Space, checks_of
from vidqa.errors import CacheError, VideoError
from vidqa.pipeline.context import Context, StageClock
from vidqa.reply import CacheState
from vidqa.sampling import Plan
from vidqa.video import Frames, KnownFile, Reader

if TYPE_CHECKING:  # the engine imports torch, a plan does not need it
    from vidqa.engine import Watched

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SeenFrames:
    """The frames the model saw: their times, and what they showed to the bit."""

    pts_T: NDArray[np.float64]
    digest_of: Callable[[int], str]
    """Hexadecimal SHA-256 of a frame's RGB bytes, row by row, at the size the model saw."""
    bytes_held: int
    """Memory that the digests, or the pixels they are formed of, take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of a plan."""

    frames: SeenFrames
    watched: Watched
    unreadable_from_s: float | None = None
    """Where the frames that were asked for stop decoding; ``None`` when all were read."""
    features: CacheState = "off"
    notes: tuple[str, ...] = ()


def see(file: KnownFile, plan: Plan, ctx: Context, clock: StageClock) -> Seen:
    """Frames of ``file`` and their tokens, as planned.

    What the store of ``ctx`` cannot give or take costs time, never an answer: it is said in a note.
    A window with frames that do not decode is read whole and not kept, for what stands in for
    them depends on what else is read; nor is anything kept of a file that changes meanwhile.
    Raises :class:`VideoError` when no frame can be read.
    """
    if ctx.features is None:
        return _see_all(file, plan, ctx, clock)
    space = _space_of(file, plan, ctx)
    shown_RF = file.reader.shown_times(plan.seconds).reshape(-1, space.frames)
    try:
        with clock.stage("recall"):
            found = ctx.features.recall(space, shown_RF)
    except CacheError as err:
        return replace(_see_all(file, plan, ctx, clock), features="miss", notes=(_note(err),))
    seen = _see_missing(file, plan, ctx, clock, space, found)
    return seen or replace(_see_all(file, plan, ctx, clock), features="miss")


def seen_pixels(rgb_THWC: Rgb, pts_T: NDArray[np.float64]) -> SeenFrames:
    """Frames at hand: a digest is formed when it is asked for."""
    return SeenFrames(pts_T, lambda k: _digest(rgb_THWC[k]).hex(), rgb_THWC.nbytes)


def _see_all(file: KnownFile, plan: Plan, ctx: Context, clock: StageClock) -> Seen:
    with clock.stage("decode"):
        frames = file.reader.read_frames(plan.seconds, (plan.height, plan.width))
    rows, row_seconds = _whole_rows(file.path, frames, plan, ctx.sampling.grid.temporal)
    with clock.stage("vision"):
        watched = ctx.engine.watch(rows, row_seconds)
    return Seen(
        frames=seen_pixels(frames.rgb_THWC, frames.pts_T),
        watched=watched,
        unreadable_from_s=frames.unreadable_from_s,
    )


def _see_missing(
    file: KnownFile, plan: Plan, ctx: Context, clock: StageClock, space: Space, found: Recalled
) -> Seen | None:
    """The plan with only the unknown rows decoded; None when some of them do not decode."""
    missing, notes = found.missing, []
    with clock.stage("decode"):
        frames = _read_rows(file.reader, plan, missing, space.frames) if missing else None
    if missing and frames is None:
        return None
    with clock.stage("vision"):
        if frames is None:
            watched, rows = _restored(ctx, plan, found.rows), found.rows
        else:
            watched, rows = _watch_rows(ctx, plan, found, frames)
    if frames is not None and file.unchanged():
        with clock.stage("store"):
            notes = _keep(ctx.features, space, rows.only(missing))
    pts_T, digests_T = rows.pts_RF.reshape(-1), rows.frames_RF.reshape(-1, rows.frames_RF.shape[-1])
    states: dict[int, CacheState] = {0: "hit", len(rows.shown_RF): "miss"}
    return Seen(
        frames=SeenFrames(pts_T, lambda k: digests_T[k].tobytes().hex(), digests_T.nbytes),
        watched=watched,
        features=states.get(len(missing), "partial"),
        notes=tuple(notes),
    )


def _read_rows(reader: Reader, plan: Plan, rows: Sequence[int], per_row: int) -> Frames | None:
    """The frames of these rows; None when not every one of them decodes."""
    seconds = [s for k in rows for s in plan.seconds[k * per_row : (k + 1) * per_row]]
    try:
        frames = reader.read_frames(seconds, (plan.height, plan.width))
    except VideoError as err:
        if err.code != "undecodable":
            raise
        return None  # rows before them may be known, and then this is a damaged tail
    whole = len(frames) == len(seconds) and frames.unreadable_from_s is None
    return frames if whole else None


def _watch_rows(ctx: Context, plan: Plan, found: Recalled, frames: Frames) -> tuple[Watched, Rows]:
    """All rows of the plan, those of ``frames`` encoded now and filled in where they were missing.

    The tower never mixes rows; few at once and many may differ in the last digits of float32.
    """
    missing, rows = found.missing, found.rows
    fresh = ctx.engine.watch(frames.rgb_THWC, tuple(plan.row_seconds[k] for k in missing))
    tokens_RB = fresh.row_bytes()
    rows.checks_R[missing] = checks_of(tokens_RB)
    rows.pts_RF[missing] = frames.pts_T.reshape(len(missing), -1)
    digests = b"".join(_digest(rgb_HWC) for rgb_HWC in frames.rgb_THWC)
    flat = np.frombuffer(digests, dtype=np.uint8)
    rows.frames_RF[missing] = flat.reshape(len(missing), *rows.frames_RF.shape[1:])
    if len(missing) == len(rows.shown_RF):  # nothing to fill in: the tokens are held once
        return replace(fresh, row_checks=_checks(rows)), replace(rows, tokens_RB=tokens_RB)
    rows.tokens_RB[missing] = tokens_RB
    return _restored(ctx, plan, rows), rows


def _restored(ctx: Context, plan: Plan, rows: Rows) -> Watched:
    size = (plan.height, plan.width)
    return ctx.engine.restore(rows.tokens_RB, _checks(rows), plan.row_seconds, size)


def _keep(store: RowStore | None, space: Space, rows: Rows) -> list[str]:
    """Add rows; what to tell the reader when that fails."""
    try:
        if store is not None:
            store.add(space, rows)
    except CacheError as err:
        return [_note(err)]
    return []


def _checks(rows: Rows) -> tuple[bytes, ...]:
    return tuple(check.tobytes() for check in rows.checks_R)


def _space_of(file: KnownFile, plan: Plan, ctx: Context) -> Space:
    engine = ctx.engine
    return Space(
        video=f"sha256:{file.sha256}",
        height=plan.height,
        width=plan.width,
        tower=engine.tower,
        times=engine.profile.time_encoding,
        decoder=file.reader.decoder,
        frames=ctx.sampling.grid.temporal,
        row_bytes=engine.row_bytes(plan.height, plan.width),
    )


def _whole_rows(
    path: Path, frames: Frames, plan: Plan, temporal: int
) -> tuple[Rgb, tuple[float, ...]]:
    """Frames filled up to whole rows by repeating the last, and the seconds of those rows."""
    rgb_THWC = frames.rgb_THWC
    if len(rgb_THWC) == 0:
        raise VideoError(
            f"{path}: no frame of {plan.span.start_s:g} s to {plan.span.end_s:g} s could be read",
            code="video_unreadable",
            next_step="Choose another window with --start and --end, or repair the file.",
        )
    missing = -len(rgb_THWC) % temporal
    if missing:  # a damaged tail ended inside a row
        rgb_THWC = np.concatenate([rgb_THWC, np.repeat(rgb_THWC[-1:], missing, axis=0)])
    return rgb_THWC, plan.row_seconds[: len(rgb_THWC) // temporal]


def _digest(rgb_HWC: Rgb) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(rgb_HWC).data).digest()


def _note(err: CacheError) -> str:
    return f"Vision tokens are not kept: {err}. {err.next_step}"
