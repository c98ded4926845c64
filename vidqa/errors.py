"""The one error tree: what went wrong, where, with which value, and what to do next.

Every error carries four things a shell can act on without reading the message: ``code`` (a stable
machine name), ``stage`` (which part of the path failed), ``retryable`` (would the same call later
have a chance) and ``next_step`` (one sentence for a person). Exit codes and HTTP statuses are the
shells' business and live there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class VidqaError(Exception):
    """Base of every error that vidqa raises on purpose; never raised itself."""

    stage: ClassVar[str] = "vidqa"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str, next_step: str) -> None:
        super().__init__(message)
        self.code = code
        self.next_step = next_step

    def to_dict(self) -> dict[str, str | bool]:
        """The error as plain JSON values, in the order a reader wants them."""
        return {
            "code": self.code,
            "stage": self.stage,
            "message": str(self),
            "next_step": self.next_step,
            "retryable": self.retryable,
        }


class TimeError(VidqaError, ValueError):
    """A time or a span that cannot be read or cannot exist."""

    stage = "time"


class VideoError(VidqaError):
    """A file that cannot be opened, measured or decoded as asked."""

    stage = "video"

    def __init__(
        self, message: str, *, code: str, next_step: str, unreadable_from_s: float | None = None
    ) -> None:
        super().__init__(message, code=code, next_step=next_step)
        self.unreadable_from_s = unreadable_from_s
        """Where the pictures end, when all that was asked for lies behind that."""


class FetchError(VidqaError):
    """A URL or a path that must not be opened, or that does not give a file."""

    stage = "fetch"


class FetchAway(FetchError):  # noqa: N818  (says what is the matter)
    """The other side did not answer, or said that it cannot now."""

    retryable = True


class PlanError(VidqaError, ValueError):
    """A budget, window or rate from which no sampling plan can be made."""

    stage = "plan"


class QueryError(VidqaError, ValueError):
    """A question that asks nothing."""

    stage = "query"


class CacheError(VidqaError):
    """What is kept of earlier work cannot be read, written or trusted; answers do not need it."""

    stage = "cache"


class ArchiveError(VidqaError):
    """An archive that cannot be opened, read, written or trusted."""

    stage = "archive"


class ArchiveBusy(ArchiveError):  # noqa: N818  (says what is the matter)
    """The archive's database is locked, full of connections or away; nothing was changed."""

    retryable = True


class ClaimLost(ArchiveError):  # noqa: N818  (says what is the matter)
    """Another process has taken over the video, or it was deleted; nothing was changed."""


class ChangesPruned(ArchiveError):  # noqa: N818  (says what is the matter)
    """The changes that an index still misses are no longer kept: build it from the vectors."""


class ServiceError(VidqaError):
    """What the service keeps (jobs, keys, uploaded videos) cannot be read, written or found."""

    stage = "service"


class ServiceBusy(ServiceError):  # noqa: N818  (says what is the matter)
    """The service's database is locked, full of connections or away; nothing was changed."""

    retryable = True


class JobError(VidqaError):
    """A job that cannot be taken, found, changed or finished."""

    stage = "job"


class QueueFull(JobError):  # noqa: N818  (says what is the matter)
    """As many jobs wait as may."""

    retryable = True


class LeaseLost(JobError):  # noqa: N818  (says what is the matter)
    """The job was given to another worker, or ended meanwhile; nothing was changed."""


class ModelError(VidqaError):
    """A checkpoint that cannot be found, loaded or run."""

    stage = "model"


class ExportError(VidqaError):
    """A result that cannot be written as asked."""

    stage = "export"


class SettingsError(VidqaError, ValueError):
    """A setting with an unknown name or an impossible value."""

    stage = "settings"


class WebhookError(VidqaError):
    """A webhook that cannot be signed, sent or trusted."""

    stage = "webhook"


class RequestError(VidqaError, ValueError):
    """A request to the service that cannot be served as it was made, or by whom it was made."""

    stage = "request"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        next_step: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, next_step=next_step)
        self.headers: Mapping[str, str] = headers or {}
        """What a shell that speaks HTTP adds to its answer, as ``WWW-Authenticate``."""


class NotNow(RequestError):  # noqa: N818  (says what is the matter)
    """A limit of the service is reached, or a part of it is away; the same may work later."""

    retryable = True

    def __init__(
        self, message: str, *, code: str, next_step: str, retry_after_s: float = 1.0
    ) -> None:
        super().__init__(message, code=code, next_step=next_step)
        self.retry_after_s = retry_after_s
        """The earliest time, seconds from now, at which it is worth trying again."""
