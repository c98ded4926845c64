"""Holding on to a claim while a slow model works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from vidqa.archive.records import Claim
from vidqa.archive.store import Store
from vidqa.errors import ArchiveBusy, ClaimLost


@contextmanager
def renewed(store: Store, claim: Claim, lease_s: float) -> Iterator[None]:
    """Renew the claim three times in every lease, from another thread, while the block runs."""
    over = Event()

    def beat() -> None:
        with suppress(ClaimLost):  # the next write is refused, and says so
            while not over.wait(lease_s / 3):
                with suppress(ArchiveBusy):
                    store.renew(claim, lease_s)

    thread = Thread(target=beat, name="vidqa-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
