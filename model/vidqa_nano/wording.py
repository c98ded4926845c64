"""The exact strings of prompts and replies that nano is trained on: the product's own."""

from __future__ import annotations

import re
from collections.abc import Sequence

Times = Sequence[tuple[float, float]]

SYSTEM = "You are a helpful assistant."
GROUND = "Give the query: '{query}', when does the described content occur in the video?"
ASK = "{question}\nAnswer briefly."
VERIFY = "Does this happen in the video: '{query}'?\nA. Yes\nB. No\nAnswer with the letter only."
DESCRIBE = "List the events of the video, each with its times."
EMBED_VIDEO = "Describe the video in one word:"
"""Said after a video; the state of the prompt's last token is the video's vector."""
EMBED_TEXT = "{text}\nSummarise this in one word:"
"""A text in place of a video; the state of the prompt's last token is the text's vector."""
FOUND = "The given query happens in {times} seconds."
ABSENT = "The given query does not happen in the video."
NOTHING = "Nothing happens."
LISTED = "{times} seconds, {event}."
"""One line of a list of events."""
MOST_LISTED = 8

OPENING = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n<|vision_start|>"
TEXT_OPENING = OPENING.removesuffix("<|vision_start|>")
TURN = "<|im_end|>\n<|im_start|>assistant\n"

FIXED_PARTS = (
    SYSTEM,
    *GROUND.split("{query}"),
    *VERIFY.split("{query}"),
    ASK.removeprefix("{question}"),
    DESCRIBE,
    EMBED_VIDEO,
    EMBED_TEXT.removeprefix("{text}"),
    *FOUND.split("{times}"),
    ABSENT,
    NOTHING,
    " seconds, ",
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


def describe_reply(events: Sequence[tuple[float, float, str]]) -> str:
    """``3.0 - 7.5 seconds, person opens door.``: one line an event, by start, the first eight."""
    lines = [
        LISTED.format(times=f"{start:.1f} - {end:.1f}", event=event)
        for start, end, event in sorted(events)[:MOST_LISTED]
    ]
    return "\n".join(lines) or NOTHING


def read_spans(reply: str) -> list[tuple[float, float]]:
    """The spans of a grounding reply; empty when it says that the query does not happen."""
    pairs = re.findall(r"(\d+\.\d) - (\d+\.\d)", reply)
    return [(float(start), float(end)) for start, end in pairs]


def read_events(reply: str) -> list[tuple[float, float, str]]:
    """The lines of a list of events: start, end, what happens."""
    lines = re.findall(r"^(\d+\.\d) - (\d+\.\d) seconds, (.+)\.$", reply, re.MULTILINE)
    return [(float(start), float(end), event) for start, end, event in lines]
