"""What can go wrong between a client and the service; a class for each thing to do about it.

Every error that the service tells (RFC 9457, ``application/problem+json``) arrives with its own
code, stage, message, next step and whether the same call may succeed later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vidqa.errors import VidqaError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as the service told it."""

    status: int
    """Of the HTTP reply; 0 where there was none."""
    code: str
    detail: str
    next_step: str = ""
    stage: str = "service"
    retryable: bool = False
    request_id: str | None = None
    """What to look for in the service's logs."""
    errors: tuple[Mapping[str, Any], ...] = ()
    """Of a request with wrong fields, each with a JSON ``pointer`` and a ``detail``."""


class ServiceError(VidqaError):
    """The service said no, or could not be heard."""

    stage: ClassVar[str] = "service"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail, code=problem.code, next_step=problem.next_step)
        self.problem = problem

    @property
    def status(self) -> int:
        """Of the HTTP reply; 0 where there was none."""
        return self.problem.status

    def to_dict(self) -> dict[str, str | bool]:
        """As the service told it: its own stage, and whether it may be tried again."""
        own = super().to_dict()
        return {**own, "stage": self.problem.stage, "retryable": self.problem.retryable}


class RequestRefused(ServiceError):  # noqa: N818  (says what is the matter)
    """400, 413, 415, 422: the request itself is wrong; the same one always will be."""


class Unauthorized(ServiceError):  # noqa: N818
    """401: no key, or one that is not valid."""


class Forbidden(ServiceError):  # noqa: N818
    """403: the key may not do that."""


class NotFound(ServiceError):  # noqa: N818
    """404, 410: nothing has that id, or not for this key."""


class Conflict(ServiceError):  # noqa: N818
    """409: not in the state it is in."""


class RateLimited(ServiceError):  # noqa: N818
    """429, still, after every retry."""


class Unavailable(ServiceError):  # noqa: N818
    """500 and above, still, after every retry."""


class Unreachable(ServiceError):  # noqa: N818
    """No reply at all, after every retry."""


class ReplyUnreadable(ServiceError):  # noqa: N818
    """A reply that is not what this client knows: another service, or another version of it."""


class JobFailed(ServiceError):  # noqa: N818
    """The job ended as ``failed``; code, stage and next step are those of the job's own error."""


class JobCancelled(ServiceError):  # noqa: N818
    """The job ended as ``cancelled``."""


class JobUnfinished(ServiceError):  # noqa: N818
    """The time to wait was up first; the job goes on, and can be waited for again."""


_BY_STATUS: Mapping[int, type[ServiceError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    429: RateLimited,
}


def error_of(problem: Problem) -> ServiceError:
    """The error of the class that a problem's status asks for."""
    kind = _BY_STATUS.get(problem.status)
    if kind is None:
        kind = Unavailable if problem.status >= 500 else RequestRefused
    return kind(problem)


def problem_of(status: int, body: Mapping[str, Any], request_id: str | None) -> Problem:
    """A problem from the members of its JSON, as far as they are there."""
    return Problem(
        status=status,
        code=str(body.get("code") or f"http_{status}"),
        detail=str(body.get("detail") or body.get("title") or f"HTTP status {status}"),
        next_step=str(body.get("next_step") or ""),
        stage=str(body.get("stage") or "service"),
        retryable=bool(body.get("retryable", status in (429, 503))),
        request_id=request_id,
        errors=tuple(each for each in body.get("errors") or () if isinstance(each, Mapping)),
    )
