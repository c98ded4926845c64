"""Files that a job fetched from URLs: guarded, and gone with the job."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from vidqa.fetching import FetchRules, fetch
from vidqa.service_settings import ServiceSettings


class Fetching:
    """Fetches each URL once while a job runs, into ``folder``, by the rules of the settings."""

    def __init__(self, settings: ServiceSettings, folder: Path) -> None:
        self._folder = folder
        self._rules = FetchRules(
            allowed_domains=settings.allowed_media_domains,
            largest_bytes=settings.max_upload_bytes,
        )
        self._files: dict[str, Path] = {}

    def __enter__(self) -> Fetching:
        return self

    def __call__(self, url: str) -> Path:
        """The file at ``url``; raises :class:`vidqa.errors.FetchError`."""
        if url not in self._files:
            self._files[url] = fetch(url, self._folder, self._rules).path
        return self._files[url]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for path in self._files.values():
            path.unlink(missing_ok=True)
