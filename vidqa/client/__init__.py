"""A typed client of the service, over HTTP; imports neither torch nor anything else of vidqa.

>>> from vidqa.client import Client
>>> with Client("http://127.0.0.1:8000") as service:                     # doctest: +SKIP
...     for found in service.ground(Path("door.mp4"), "person opens door").segments:
...         print(found.start, found.end)
"""

from vidqa.client.archives import Archives
from vidqa.client.client import Client, VideoLike
from vidqa.client.errors import (
    Conflict,
    Forbidden,
    JobCancelled,
    JobFailed,
    JobUnfinished,
    NotFound,
    Problem,
    RateLimited,
    ReplyUnreadable,
    RequestRefused,
    ServiceError,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from vidqa.client.jobs import Jobs
from vidqa.client.records import (
    Archive,
    Found,
    Hit,
    Job,
    JobEvent,
    Progress,
    Result,
    Segment,
    Video,
)
from vidqa.client.transport import Patience

__all__ = [
    "Archive",
    "Archives",
    "Client",
    "Conflict",
    "Forbidden",
    "Found",
    "Hit",
    "Job",
    "JobCancelled",
    "JobEvent",
    "JobFailed",
    "JobUnfinished",
    "Jobs",
    "NotFound",
    "Patience",
    "Problem",
    "Progress",
    "RateLimited",
    "ReplyUnreadable",
    "RequestRefused",
    "Result",
    "Segment",
    "ServiceError",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "Video",
    "VideoLike",
]
