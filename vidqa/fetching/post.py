"""One message out, to a URL that somebody else chose: a webhook. Guarded like what is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vidqa.fetching.exchange import Clock, exchange
from vidqa.fetching.guard import check
from vidqa.fetching.network import Network, SystemNetwork
from vidqa.fetching.rules import FetchRules

_MOST_READ = 65_536


class Answer(NamedTuple):
    """What came back."""

    status: int
    """Any HTTP status: redirects are not followed, they are the receiver's mistake."""
    headers: Mapping[str, str]
    """Names in lower case; the last of several."""
    body: bytes
    """The first 64 KiB at most."""


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    rules: FetchRules,
    *,
    network: Network | None = None,
) -> Answer:
    """Send ``body`` and give the answer, whatever its status.

    Raises :class:`vidqa.errors.FetchError` and :class:`vidqa.errors.FetchAway` as
    :func:`vidqa.fetching.fetch` does where no answer can be had.
    """
    network, target = network or SystemNetwork(), check(url, rules)
    with exchange(
        target,
        rules,
        network,
        Clock.start(rules),
        method="POST",
        headers={"Content-Length": str(len(body)), **headers},
        body=body,
    ) as answer:
        told = {
            key.decode("latin-1").lower(): value.decode("latin-1") for key, value in answer.headers
        }
        start = bytearray()
        for chunk in answer.iter_stream():
            start += chunk[: _MOST_READ - len(start)]
            if len(start) >= _MOST_READ:
                break
        return Answer(answer.status, told, bytes(start))
