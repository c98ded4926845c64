"""Where a job may find a video: refused at once, where a worker would have to refuse it later."""

from __future__ import annotations

from pathlib import Path

from vidqa.errors import RequestError
from vidqa.fetching import FetchRules, Roots, check
from vidqa.service.requests import Request, VideoRef
from vidqa.service_settings import ServiceSettings


def check_places(request: Request, settings: ServiceSettings) -> None:
    """Raise :class:`RequestError` or :class:`FetchError` for a URL or a path that the settings do
    not allow. Ids are the store's to check; a worker checks all of it again when it opens them."""
    for ref in request.refs:
        _check(ref, settings)


def _check(ref: VideoRef, settings: ServiceSettings) -> None:
    if ref.url is not None:
        if not settings.allowed_media_domains:
            raise RequestError(
                "this service fetches no URLs",
                code="fetching_off",
                next_step="Upload the file to /v1/videos, or set allowed_media_domains.",
            )
        check(ref.url, FetchRules(allowed_domains=settings.allowed_media_domains))
    if ref.path is not None:
        Roots(tuple(Path(root) for root in settings.media_roots)).locate(ref.path)
