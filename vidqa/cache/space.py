"""What must be equal for two rows of frames to have the same vision tokens."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import cached_property

from vidqa.errors import CacheError

PREPROCESSING = 1
"""Goes up with every change after which reading, resizing or patching gives other numbers."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """The rows of one video, as one tower sees them at one size; a row is told by its frames."""

    video: str
    """``sha256:`` and the digest of the file's bytes."""
    height: int
    width: int
    tower: str
    """Digest of the tower's weights as they are computed with, their type and device."""
    times: str
    """How times are told: where they are written as text, a row is its first frame twice."""
    decoder: str
    """The reader and the version of what decodes for it."""
    frames: int
    """Frames in a row."""
    row_bytes: int
    """Bytes of the tokens of a row."""
    preprocessing: int = PREPROCESSING

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of all of the above."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def to_json(self) -> bytes:
        """The facts, in one spelling."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Space:
        """Raises :class:`CacheError` on anything that :meth:`to_json` would not write."""
        try:
            given = json.loads(text)
            made = cls(**given)
            kinds = {field.name: _KINDS[str(field.type)] for field in fields(cls)}
            sound = all(isinstance(given[name], kind) for name, kind in kinds.items())
        except (ValueError, TypeError, KeyError, RecursionError) as err:
            raise _no_space(str(err)) from err
        if not sound:
            raise _no_space("a number or a text is neither")
        return made


_KINDS = {"str": str, "int": int}


def _no_space(why: str) -> CacheError:
    return CacheError(
        f"no description of rows: {why}",
        code="cache_damaged",
        next_step="Nothing to do: the file is removed and its rows are computed again.",
    )
