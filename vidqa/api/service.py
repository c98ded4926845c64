"""What a route works with: the settings, the store of jobs, the library, the meters."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from vidqa.api.archives import TenantArchives
from vidqa.api.intake.resumable import Uploads
from vidqa.api.intake.studying import Studies
from vidqa.api.metrics import Metrics
from vidqa.api.pieces import Pieces
from vidqa.jobs.store import JobStore
from vidqa.service.keys import ApiKeys
from vidqa.service.library import Library
from vidqa.service.upload_keys import UploadKeys
from vidqa.service_settings import ServiceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One application's parts; the store and the library may be used from any thread."""

    settings: ServiceSettings
    jobs: JobStore
    library: Library
    keys: ApiKeys
    uploads: Uploads
    upload_keys: UploadKeys
    metrics: Metrics
    archives: TenantArchives
    pieces: Pieces
    studies: Studies
    model: str
    """Of the workers, as clients of the OpenAI-compatible routes name it."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the service was told to stop: whoever streams or waits ends then."""
    opened: ExitStack = field(default_factory=ExitStack)
    """What was opened for this application alone."""

    def close(self) -> None:
        """Let go of what was opened; a second time does nothing."""
        self.opened.close()


def service_of(request: Request) -> Service:
    """The parts of the application that got this request."""
    service = request.app.state.service
    assert isinstance(service, Service)  # noqa: S101  (make_app sets nothing else)
    return service


async def _service(request: Request) -> Service:
    return service_of(request)


TheService = Annotated[Service, Depends(_service)]
