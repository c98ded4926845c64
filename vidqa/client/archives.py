"""The archives of a service: made, listed, emptied, embedded anew."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from vidqa.client.records import Archive, Job, Raw, archive_of, job_of, read
from vidqa.client.transport import Transport


class Archives:
    """Everything under ``/v1/archives``; every method raises :class:`ServiceError`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str) -> Archive:
        """A new archive; raises :class:`Conflict` where one has that name."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        body = {"name": name}
        return read(
            archive_of, self._transport.json("POST", "/v1/archives", body=body, headers=headers)
        )

    def list(self) -> Iterator[Archive]:
        """Every archive, by name."""
        for body in self._transport.json("GET", "/v1/archives").get("archives", ()):
            yield read(archive_of, body)

    def get(self, archive_id: str) -> Archive:
        """One archive, with its numbers."""
        return read(archive_of, self._transport.json("GET", f"/v1/archives/{archive_id}"))

    def videos(self, archive_id: str) -> Iterator[Raw]:
        """Every video of an archive."""
        token: str | None = None
        while True:
            query = {"page_size": 100, "page_token": token}
            path = f"/v1/archives/{archive_id}/videos"
            page = self._transport.json("GET", path, query=query)
            yield from page.get("videos", ())
            token = page.get("next_page_token")
            if token is None:
                return

    def delete(self, archive_id: str) -> None:
        """Forget an archive and everything indexed in it; videos of the library stay."""
        self._transport.send("DELETE", f"/v1/archives/{archive_id}")

    def reindex(self, archive_id: str) -> Job:
        """Embed every video anew with the model that is loaded now; searches go on meanwhile."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        path = f"/v1/archives/{archive_id}:reindex"
        return read(job_of, self._transport.json("POST", path, headers=headers))
