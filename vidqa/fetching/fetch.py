"""A URL in, a file out: guarded at every step, streamed, measured and digested on the way."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import httpcore

from vidqa.errors import FetchAway, FetchError
from vidqa.fetching.exchange import Clock, exchange, header
from vidqa.fetching.guard import Target, check, redirected
from vidqa.fetching.network import Network, SystemNetwork
from vidqa.fetching.rules import FetchRules

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class Fetched(NamedTuple):
    """A file that came from a URL; whoever asked for it moves or removes it."""

    path: Path
    sha256: str
    """Lower-case hexadecimal digest of its bytes, formed while they came."""
    bytes: int
    content_type: str | None
    """What the server said; not to be believed."""


def fetch(url: str, into: Path, rules: FetchRules, *, network: Network | None = None) -> Fetched:
    """Fetch a URL into a new file (mode 0600, forced to the disk) in the folder ``into``.

    Raises :class:`FetchError`: ``url_invalid``, ``url_refused``, ``url_host_refused`` before
    anything is connected to; ``url_redirects``, ``url_too_large``, ``url_status``,
    ``url_encoding``; and :class:`FetchAway` ``url_unreachable``, ``url_timeout`` or ``url_status``
    for what may go better later. Nothing is left in ``into`` then.
    """
    network, clock, target = network or SystemNetwork(), Clock.start(rules), check(url, rules)
    for _ in range(rules.redirects + 1):
        with exchange(target, rules, network, clock) as answer:
            if answer.status not in _REDIRECTS:
                return _kept(answer, target, into, rules)
            location = header(answer, "location")
        if location is None:
            raise _answered(target, answer.status)
        target = redirected(target, location, rules)
    raise FetchError(
        f"{_plain(url)}: more than {rules.redirects} redirects",
        code="url_redirects",
        next_step="Give the URL that they lead to.",
    )


def _kept(answer: httpcore.Response, target: Target, into: Path, rules: FetchRules) -> Fetched:
    if answer.status != 200:
        raise _answered(target, answer.status)
    encoding = header(answer, "content-encoding")
    if encoding not in (None, "", "identity"):
        raise FetchError(
            f"{_plain(target.url)}: comes compressed, which was not asked for",
            code="url_encoding",
            next_step="Give the URL of the file itself, or upload it.",
        )
    stated = header(answer, "content-length")
    if stated is not None and stated.isascii() and stated.isdigit():
        _check_size(target, int(stated), rules)
    try:
        path, digest, size = _written(answer, target, into, rules)
    except OSError as err:
        raise FetchAway(
            f"{_plain(target.url)}: cannot be kept ({err.strerror})",
            code="url_unkept",
            next_step="Check the room and the rights of the service's data folder.",
        ) from err
    return Fetched(path, digest, size, header(answer, "content-type"))


def _written(
    answer: httpcore.Response, target: Target, into: Path, rules: FetchRules
) -> tuple[Path, str, int]:
    """The new file, the digest and the number of its bytes."""
    handle, name = tempfile.mkstemp(prefix="fetched-", dir=into)
    try:
        with os.fdopen(handle, "wb") as file:
            digest, size = hashlib.sha256(), 0
            for chunk in answer.iter_stream():
                size += len(chunk)
                _check_size(target, size, rules)
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name), digest.hexdigest(), size


def _check_size(target: Target, size: int, rules: FetchRules) -> None:
    if size > rules.largest_bytes:
        raise FetchError(
            f"{_plain(target.url)}: larger than {rules.largest_bytes / 1e6:g} MB",
            code="url_too_large",
            next_step="Give a smaller file, or have the limit raised.",
        )


def _answered(target: Target, status: int) -> FetchError:
    kind = FetchAway if status in _LATER else FetchError
    return kind(
        f"{_plain(target.url)}: the server answered {status}",
        code="url_status",
        next_step="Check that the URL gives the file itself, without logging in.",
    )


def _plain(url: str) -> str:
    """Without the query, which may hold a secret."""
    return url.split("?", 1)[0]
