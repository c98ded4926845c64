"""The door bell: how workers may learn of a job sooner than by looking.

Nothing depends on it: a bell that is not heard costs time, never a job. The row is the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vidqa.service.records import Rung


class Bell(Protocol):
    """Announces jobs, a message broker's for example."""

    def ring(self, jobs: Sequence[Rung]) -> None:
        """Announce these. Raises :class:`vidqa.errors.VidqaError` where nobody can hear it now:
        they are announced again later."""
        ...
