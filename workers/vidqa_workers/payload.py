"""What a job carries: plain JSON, checked before any work, unknown names refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from vidqa.errors import VidqaError

JsonDict = dict[str, object]


class PayloadError(VidqaError, ValueError):
    """A job whose payload cannot be read."""

    stage: ClassVar[str] = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question to one video, within ``[start_s, end_s)`` where they are given."""

    path: str
    text: str
    start_s: float | None = None
    end_s: float | None = None


def read_question(payload: Mapping[str, object], text_name: str) -> Question:
    """``{"path", text_name, "start"?, "end"?}``, times in seconds; raises :class:`PayloadError`."""
    unknown = sorted(set(payload) - {"path", text_name, "start", "end"})
    if unknown:
        raise _wrong(unknown[0], "is no name of this kind of job", text_name)
    return Question(
        path=_text(payload, "path", text_name),
        text=_text(payload, text_name, text_name),
        start_s=_seconds(payload, "start", text_name),
        end_s=_seconds(payload, "end", text_name),
    )


def _text(payload: Mapping[str, object], name: str, text_name: str) -> str:
    value = payload.get(name)
    if isinstance(value, str) and value.strip():
        return value
    raise _wrong(name, f"must be a text with something in it, not {value!r}", text_name)


def _seconds(payload: Mapping[str, object], name: str, text_name: str) -> float | None:
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise _wrong(name, f"must be a number of seconds, not {value!r}", text_name)


def _wrong(name: str, why: str, text_name: str) -> PayloadError:
    return PayloadError(
        f"job payload: {name!r} {why}",
        code="payload_invalid",
        next_step=f'Send {{"path": ..., "{text_name}": ..., "start": seconds, "end": seconds}};'
        " the two times may be left out.",
    )
