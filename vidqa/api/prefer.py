"""``Prefer`` (RFC 7240): whether a caller would rather wait for a job, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

WAIT_MAX_S = 60
"""Longest that a request is held; a longer wait is shortened to this, and told so."""
_HEADER_MAX = 1_000
"""Characters that are read; what preferences are known take far fewer."""
_PART = re.compile(
    r"\s*(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*"
    r'(?:=\s*(?P<value>"(?:[^"\\]|\\.)*"|[!#$%&\'*+.^_`|~0-9A-Za-z-]+)?\s*)?(?:;[^,]*)?'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What a caller prefers; nothing, where it does not say."""

    respond_async: bool = False
    wait_s: int | None = None

    def patience_s(self, usual_s: int) -> int:
        """Seconds to wait for a job before answering 202: as long as is preferred; not at all for
        ``respond-async`` alone; ``usual_s`` where nothing is preferred."""
        if self.wait_s is not None:
            return self.wait_s
        return 0 if self.respond_async else usual_s

    @property
    def applied(self) -> dict[str, str]:
        """The ``Preference-Applied`` header; none where nothing was preferred."""
        told = ["respond-async"] if self.respond_async else []
        if self.wait_s is not None:
            told.append(f"wait={self.wait_s}")
        return {"Preference-Applied": ", ".join(told)} if told else {}


def read_preference(header: str | None) -> Preference:
    """The two preferences that jobs know; others, and what cannot be read, are passed over as the
    RFC asks. The first of several of one name counts."""
    given: dict[str, str] = {}
    for part in _split((header or "")[:_HEADER_MAX]):
        match = _PART.fullmatch(part)
        if match is not None:
            given.setdefault(match["name"].lower(), (match["value"] or "").strip('"'))
    wait = given.get("wait", "")
    seconds = int(wait[:9]) if wait.isascii() and wait.isdigit() else None
    return Preference(
        respond_async="respond-async" in given,
        wait_s=None if seconds is None else min(seconds, WAIT_MAX_S),
    )


def _split(header: str) -> list[str]:
    """At commas outside of quotes."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', header)
