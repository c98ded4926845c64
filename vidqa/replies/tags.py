"""The markup around a reply: thinking to drop, tags that hold the answer, control tokens."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"<\|[^|<>]{0,40}\|>")
_TAG = re.compile(r"</?(?!points?>)[a-z_]{1,20}>", re.IGNORECASE)
"""All but the closing tag of points, whose opening one bears numbers: they stay or go together."""
_FENCE = re.compile(r"```[a-z]*", re.IGNORECASE)


def without_thinking(reply: str) -> str:
    """What the model said once it had thought; nothing if it was cut off while thinking.

    A reply may lack the opening tag (it stood in the prompt), so all before the last closing tag
    goes too. Times inside the thinking are candidates the model weighed, not its answer.
    """
    lower = reply.lower()
    closed = lower.rfind("</think>")
    said = reply[closed + len("</think>") :] if closed >= 0 else reply
    opened = said.lower().find("<think>")
    return _CONTROL.sub(" ", said if opened < 0 else said[:opened])


def last_tag(name: str, text: str) -> str | None:
    """The contents of the last ``<name>``, closed or cut off; ``None`` where there is none."""
    lower = text.lower()
    opened = lower.rfind(f"<{name}>")
    if opened < 0:
        return None
    start = opened + len(name) + 2
    closed = lower.find(f"</{name}>", start)
    return text[start:] if closed < 0 else text[start:closed]


def without_tags(text: str) -> str:
    """The words alone: no tags, no code fences."""
    return _FENCE.sub(" ", _TAG.sub(" ", text)).strip()
