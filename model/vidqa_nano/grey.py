"""Clips without their colours, of which nothing is asked that a colour decides.

What a row shows would else be learnt for each pair of action and colour by itself, and an action in
a colour that it was never seen in is then not seen at all: asked about such events with no colour
named, a network trained without this found 0.38 of them, half as much as of others.

In: a :class:`vidqa_nano.windows.Sample`, a random generator. Out: the same in shades of one tint. A
pair that is kept for measuring (:data:`vidqa_nano.phrases.NOVEL_PAIRS`) is so never shown; turned
hues, which would bring actors near colours they are kept from, taught less.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.phrases import COLOURS_OF
from vidqa_nano.windows import Sample
from vidqa_nano.world import Rng

ASKED_MORE = 2
"""How many times as many questions are posed, since those that name a colour are left out."""
LEAST_TINT = 0.5
"""The least of a tint's primaries, where the most is 1."""
_FADED_SHARE, _MOST_LEFT = 0.3, 0.15
"""Share of these clips that keep a little of their colours, and how much at most."""
_COLOUR_WORDS = sorted({"colour", *(c for colours in COLOURS_OF.values() for c in colours)})
_NAMES_A_COLOUR = re.compile(rf"\b({'|'.join(_COLOUR_WORDS)})\b", re.IGNORECASE)


def greyed(sample: Sample, rng: Rng, questions: int) -> Sample:
    """The sample in shades of one tint, with the first ``questions`` questions that name none."""
    kept = [asked for asked in sample.questions if not names_a_colour(asked.text, asked.reply)]
    return replace(
        sample,
        frames_THWC=np.rint(_shades(sample.frames_THWC, rng)).astype(np.uint8),
        questions=kept[:questions],
        texts=[],
        grey=True,
    )


def names_a_colour(*texts: str) -> bool:
    """Whether a colour decides what is said: ``white``, ``What colour is the ball?``."""
    return any(_NAMES_A_COLOUR.search(text) for text in texts)


def _shades(frames_THWC: NDArray[np.uint8], rng: Rng) -> NDArray[np.float32]:
    """The frames in shades of one tint, float32 from 0 to 255.

    How bright each primary makes a shade is drawn, so that a shirt may be darker or lighter than
    the wall behind it, as another colour would be.
    """
    weights_C = rng.dirichlet((1.0, 1.0, 1.0)).astype(np.float32)
    tint_C = rng.uniform(LEAST_TINT, 1.0, 3).astype(np.float32)
    left = rng.uniform(0.0, _MOST_LEFT) if rng.random() < _FADED_SHARE else 0.0
    shades_THW1 = frames_THWC.astype(np.float32) @ weights_C[:, None]
    tinted_THWC: NDArray[np.float32] = shades_THW1 * (tint_C / tint_C.max())
    if left:
        tinted_THWC += np.float32(left) * (frames_THWC - tinted_THWC)
    return tinted_THWC.clip(0, 255)
