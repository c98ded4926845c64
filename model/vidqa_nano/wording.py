"""The exact strings of prompts and replies that nano is trained on: the product's own."""

from __future__ import annotations

import re
from collections.abc import Sequence

Times = Sequence[tuple[float, float]]

SYSTEM = "You are a helpful assistant."
GROUND = "Give the query: '{query}', when does the described content occur in the video?"
ASK = "{question}\nAnswer briefly."
VERIFY = "Does this happen in the video: '{query}'?\nA. Yes\nB. No\nAnswer with the letter only."
FOUND = "The given query happens in {times} seconds."
ABSENT = "The given query does not happen in the video."

OPENING = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n<|vision_start|>"
TURN = "<|im_end|>\n<|im_start|>assistant\n"

FIXED_PARTS = (
    SYSTEM,
    *GROUND.split("{query}"),
    *VERIFY.split("{query}"),
    ASK.removeprefix("{question}"),
    *FOUND.split("{times}"),
    ABSENT,
    " - ",
)
"""What never changes in a prompt or reply; the tokenizer keeps each as one token."""


def spell_spans(spans: Times) -> str:
    """``3.0 - 7.5, 10.0 - 12.5``: one decimal, in time order."""
    return ", ".join(f"{start:.1f} - {end:.1f}" for start, end in sorted(spans))


def ground_reply(spans: Times) -> str:
    """The reply to a grounding question; no spans say that it does not happen."""
    return FOUND.format(times=spell_spans(spans)) if spans else ABSENT


def ask_reply(answer: str, spans: Times = ()) -> str:
    """The reply to a free question: the answer, and when it was seen."""
    tail = f", in {spell_spans(spans)} seconds" if spans else ""
    return f"{answer}{tail}."


def read_spans(reply: str) -> list[tuple[float, float]]:
    """The spans of a grounding reply; empty when it says that the query does not happen."""
    pairs = re.findall(r"(\d+\.\d) - (\d+\.\d)", reply)
    return [(float(start), float(end)) for start, end in pairs]
