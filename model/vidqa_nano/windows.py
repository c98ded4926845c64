"""A training clip: a window of a drawn clip, at some rate, perhaps mirrored.

In: :class:`vidqa_nano.clips.Clips`, a clip's number, a random generator. Out: a :class:`Sample`:
frames as the product would read them, the time of each, the events on the window's clock and the
questions. The window's first frame is the sample's second 0, whatever it was in the story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.asking import Cast, Pose, pose
from vidqa_nano.clips import FPS, Clips
from vidqa_nano.phrases import BY_NAME, COLOURS_OF, mirrored
from vidqa_nano.queries import Seen
from vidqa_nano.questions import Question
from vidqa_nano.rates import draw_ticks, even_ticks
from vidqa_nano.telling import EMBED, Told, tell
from vidqa_nano.world import Rng, Story, tenth

LEAST_SEEN = 0.6
"""Share of an event that must be inside the window for it to be asked about."""
SHORTEST_S = 5.0
LEAST_SIZE = 0.3
"""Share of its full size from which on an actor counts as there."""


@dataclass(frozen=True, slots=True)
class Window:
    """``[start_s, start_s + duration_s)`` of a story, perhaps mirrored.

    ``ticks`` are the frames to read, in half seconds from the start; the first is 0.
    """

    start_s: float
    duration_s: float
    ticks: Sequence[int]
    mirror: bool = False

    @property
    def seconds(self) -> list[float]:
        """When each frame is, on the window's clock."""
        return [tick / FPS for tick in self.ticks]


@dataclass(frozen=True, slots=True)
class Sample:
    """What one packed sequence is made of."""

    frames_THWC: NDArray[np.uint8]
    """An even number of frames; two make a row."""
    frame_seconds: list[float]
    events: list[Seen]
    states_RC: NDArray[np.float32]
    """Properties of the scene in every row (:data:`STATES`), then who is there in which colour
    (:data:`PRESENT`)."""
    questions: list[Question]
    texts: list[Told] = field(default_factory=list)
    """Texts about the clip, the true one first; none when the clip is not embedded."""
    grey: bool = False
    """Whether it is shown without the colours that its events and states tell of."""

    @property
    def row_seconds(self) -> list[float]:
        """When each row starts: the time of its first frame."""
        return self.frame_seconds[::2]

    @property
    def row_ends(self) -> list[float]:
        """The time of each row's second frame."""
        return self.frame_seconds[1::2]


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
PRESENT = tuple((kind, colour) for kind in COLOURS_OF for colour in COLOURS_OF[kind])


def whole_window(story: Story, fps: float = FPS) -> Window:
    """The whole story at a steady rate, by default as the product reads a short video."""
    return Window(0.0, story.duration_s, even_ticks(story.duration_s, fps))


def draw_window(story: Story, rng: Rng, longest_s: float = 120.0) -> Window:
    """Half the time all that fits, else 5 s or more of it; rates as :mod:`vidqa_nano.rates`."""
    most = min(story.duration_s, longest_s)
    duration_s = most if rng.random() < 0.5 else tenth(rng.uniform(SHORTEST_S, most))
    start_s = int(rng.uniform(0, story.duration_s - duration_s) * FPS) / FPS
    return Window(start_s, duration_s, draw_ticks(duration_s, rng), bool(rng.random() < 0.5))


def cut_sample(
    clips: Clips,
    index: int,
    window: Window,
    rng: Rng,
    questions: int,
    *,
    embed: bool = False,
    posed: Pose = pose,
) -> Sample:
    """The window of clip ``index`` with its questions, and with texts where it is embedded."""
    story, seconds = clips.stories[index], window.seconds
    picks = [int(window.start_s * FPS) + tick for tick in window.ticks]
    if len(picks) % 2:
        picks.append(picks[-1])
        seconds.append(seconds[-1])
    frames = clips.frames(index)[picks]
    seen = seen_events(story, window)
    asked = posed(seen, cast_of(story, window), rng, questions) if questions else []
    texts = tell(seen, rng) if embed else []
    return Sample(
        frames_THWC=frames[:, :, ::-1] if window.mirror else frames,
        frame_seconds=seconds,
        events=seen,
        states_RC=_states(story, window.start_s, seconds[::2]),
        questions=[*asked, EMBED] if texts else asked,
        texts=texts,
    )


def seen_events(story: Story, window: Window) -> list[Seen]:
    """The story's events that happen in the window, cut to it, on the window's clock.

    An event is whole when most of it lies inside and at least one frame shows it.
    """
    found: list[Seen] = []
    seconds = np.asarray(window.seconds)
    for event in story.events:
        start = max(event.start_s - window.start_s, 0.0)
        end = min(event.end_s - window.start_s, window.duration_s)
        if end - start < 0.05:
            continue
        kind = BY_NAME[event.kind]
        whole = (end - start) / (event.end_s - event.start_s) >= LEAST_SEEN
        shown = bool(((seconds >= start) & (seconds < end)).any())
        kind = mirrored(kind) if window.mirror else kind
        found.append(Seen(kind, event.colour, tenth(start), tenth(end), whole and shown))
    return found


def cast_of(story: Story, window: Window) -> Cast:
    """Kind and colour of every actor that some frame of the window shows."""
    shown = {pair: None for t_s in window.seconds for pair in _shown(story, window.start_s + t_s)}
    return list(shown)


def _shown(story: Story, t_s: float) -> list[tuple[str, str | None]]:
    """Kind and colour of every actor in the shot that is to be seen: a ball may have no size."""
    shot = story.shot_at(t_s)
    return [
        (actor.kind, actor.colour)
        for actor in shot.scene.actors
        if "size" not in actor.tracks or actor.tracks["size"].at(t_s - shot.start_s) > LEAST_SIZE
    ]


def _states(story: Story, start_s: float, rows: Sequence[float]) -> NDArray[np.float32]:
    states = np.zeros((len(rows), len(STATES) + len(PRESENT)), np.float32)
    for row, t_s in enumerate(rows):
        shown = _shown(story, start_s + t_s)
        states[row, : len(STATES)] = [story.state(k, prop, start_s + t_s) for k, prop in STATES]
        states[row, len(STATES) :] = [float(pair in shown) for pair in PRESENT]
    return states
