"""Webhooks on their way while the application runs: one thread in every process of the API.

Several processes share the outbox: each line is one process's at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from vidqa.errors import WebhookError
from vidqa.jobs.signing import LIVE_SECRETS, checked_secret
from vidqa.jobs.store import JobStore
from vidqa.jobs.webhooks import Courier, webhook_rules
from vidqa.service_settings import ServiceSettings

_END_S = 25.0
"""A try that is on its way takes no longer."""


def checked_secrets(settings: ServiceSettings) -> list[str]:
    """The secrets that sign; raises :class:`WebhookError` for too many, or one that is none."""
    secrets = [checked_secret(each.get_secret_value()) for each in settings.webhook_secrets]
    if len(secrets) > LIVE_SECRETS:
        raise WebhookError(
            f"{len(secrets)} webhook secrets",
            code="webhook_secrets",
            next_step="Set one in VIDQA_WEBHOOK_SECRETS, or two while one replaces the other.",
        )
    return secrets


@contextmanager
def delivering(store: JobStore, settings: ServiceSettings) -> Iterator[None]:
    """While the block runs, whatever is due is sent; nothing is where there is no secret."""
    secrets = checked_secrets(settings)
    if not secrets:
        yield
        return
    rules = webhook_rules(settings.webhook_networks)
    courier, stop = Courier(outbox=store, secrets=secrets, rules=rules), threading.Event()
    thread = threading.Thread(target=courier.run, args=(stop,), name="vidqa-webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_END_S)
