"""A training clip: a window of a drawn clip, at a rate, perhaps mirrored.

In: :class:`vidqa_nano.clips.Clips`, a clip's number, a random generator. Out: a :class:`Sample`:
frames as the product would read them, the time of every row, the events on the window's clock and
the questions. The window's first frame is the sample's second 0, whatever it was in the scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.clips import FPS, Clips, frame_times
from vidqa_nano.phrases import BY_NAME, mirrored
from vidqa_nano.questions import Question, Seen, pose
from vidqa_nano.world import Actor, Rng, Scene, tenth

LEAST_SEEN = 0.6
"""Share of an event that must be inside the window for it to be asked about."""


@dataclass(frozen=True, slots=True)
class Window:
    """``[start_s, start_s + duration_s)`` of a scene, read at ``fps``, perhaps mirrored."""

    start_s: float
    duration_s: float
    fps: float
    mirror: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """What one packed sequence is made of."""

    frames_THWC: NDArray[np.uint8]
    """An even number of frames; two make a row."""
    row_seconds: list[float]
    events: list[Seen]
    states_RC: NDArray[np.float32]
    """Properties of the scene in every row: see :data:`STATES`."""
    questions: list[Question]

    @property
    def row_span_s(self) -> float:
        """Seconds between a row's two frames."""
        return (self.row_seconds[1] - self.row_seconds[0]) / 2 if len(self.row_seconds) > 1 else 0.5


STATES = (
    ("door", "open"),
    ("lamp", "lit"),
    ("screen", "lit"),
    ("signal", "green"),
    ("curtain", "open"),
    ("daylight", "bright"),
    ("person", "sit"),
    ("person", "lie"),
    ("balloon", "height"),
)


def whole_window(scene: Scene) -> Window:
    """The whole scene at 2 frames per second, as the product reads a short video."""
    return Window(0.0, scene.duration_s, float(FPS), mirror=False)


def draw_window(scene: Scene, rng: Rng) -> Window:
    """Half the time the whole scene, else 5 s or more of it; one in four at 1 frame a second."""
    duration_s, start_s = scene.duration_s, 0.0
    if rng.random() < 0.5:
        duration_s = tenth(rng.uniform(5.0, scene.duration_s))
        start_s = int(rng.uniform(0, scene.duration_s - duration_s) * FPS) / FPS
    slow = duration_s > 12 and rng.random() < 0.25
    return Window(start_s, duration_s, 1.0 if slow else 2.0, bool(rng.random() < 0.5))


def cut_sample(clips: Clips, index: int, window: Window, rng: Rng, questions: int) -> Sample:
    """The window of clip ``index`` with its questions."""
    scene = clips.scenes[index]
    times = frame_times(window.duration_s, window.fps)
    picks = [int((window.start_s + t_s) * FPS) for t_s in times]
    if len(picks) % 2:
        picks.append(picks[-1])
    frames = clips.frames(index)[picks]
    rows = times[::2]
    seen = seen_events(scene, window)
    return Sample(
        frames_THWC=frames[:, :, ::-1] if window.mirror else frames,
        row_seconds=rows,
        events=seen,
        states_RC=_states(scene, window, rows),
        questions=pose(seen, [(a.kind, a.colour) for a in scene.actors], rng, questions),
    )


def seen_events(scene: Scene, window: Window) -> list[Seen]:
    """The scene's events that show in the window, cut to it, on the window's clock."""
    found: list[Seen] = []
    for event in scene.events:
        start = max(event.start_s - window.start_s, 0.0)
        end = min(event.end_s - window.start_s, window.duration_s)
        if end - start < 0.05:
            continue
        kind = BY_NAME[event.kind]
        whole = (end - start) / (event.end_s - event.start_s) >= LEAST_SEEN
        kind = mirrored(kind) if window.mirror else kind
        found.append(Seen(kind, event.colour, tenth(start), tenth(end), whole))
    return found


def _states(scene: Scene, window: Window, rows: Sequence[float]) -> NDArray[np.float32]:
    states = np.zeros((len(rows), len(STATES)), np.float32)
    for column, (kind, prop) in enumerate(STATES):
        actor = scene.find(kind)
        if actor is not None:
            states[:, column] = _track(actor, prop, window.start_s, rows)
    return states


def _track(actor: Actor, prop: str, start_s: float, rows: Sequence[float]) -> list[float]:
    return [actor.tracks[prop].at(start_s + t_s) for t_s in rows]
