"""One request to the service and its reply: retried where that may help, errors typed.

A request is repeated after 429 and 503, as late as ``Retry-After`` says, and where the connection
broke. That is safe for every request the client makes: those that create carry an idempotency key.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from vidqa.client.errors import (
    Problem,
    ReplyUnreadable,
    ServiceError,
    Unreachable,
    error_of,
    problem_of,
)

_AGAIN = (429, 503)
_LONGEST_WAIT_S = 60.0
"""A service that asks for more is told of to the caller at once."""
JsonBody = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request is worth trying."""

    retries: int = 5
    first_s: float = 0.5
    """Before the first retry where the service does not say; doubled each time, and shortened at
    random by up to a half so that clients do not come back together."""
    sleep: Callable[[float], None] = time.sleep

    def pauses(self) -> Iterator[float]:
        """Seconds before each retry."""
        for attempt in range(self.retries):
            longest_s = min(self.first_s * 2**attempt, _LONGEST_WAIT_S)
            yield longest_s * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)


class Transport:
    """A connection to one service."""

    def __init__(self, http: httpx.Client, patience: Patience) -> None:
        self._http = http
        self.patience = patience

    @property
    def url(self) -> str:
        """Of the service."""
        return str(self._http.base_url)

    def json(
        self,
        method: str,
        path: str,
        *,
        body: object | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JsonBody:
        """The JSON object that answers; raises :class:`ServiceError`."""
        return self.reply(method, path, body=body, query=query, headers=headers)[1]

    def reply(
        self,
        method: str,
        path: str,
        *,
        body: object | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[httpx.Response, JsonBody]:
        """The reply with its JSON object, empty for 204; raises :class:`ServiceError`."""
        response = self.send(method, path, query=query, headers=headers, body=body)
        return response, {} if response.status_code == httpx.codes.NO_CONTENT else _object(response)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object | None = None,
        content: bytes | None = None,
        timeout_s: float | None = None,
    ) -> httpx.Response:
        """The reply, read whole; raises :class:`ServiceError` for a status of 400 and above."""
        how: dict[str, Any] = {"params": _given(query), "headers": headers, "content": content}
        if body is not None:
            how["json"] = body
        if timeout_s is not None:
            how["timeout"] = httpx.Timeout(timeout_s, connect=10.0)
        response = self._tried(lambda: self._http.request(method, path, **how))
        if response.is_error:
            raise error_of(_problem(response))
        return response

    @contextmanager
    def open(
        self, path: str, *, headers: Mapping[str, str] | None = None, timeout_s: float
    ) -> Iterator[httpx.Response]:
        """A reply to be read as it comes, in one attempt; raises :class:`ServiceError` for a status
        of 400 and above, and :class:`Unreachable` where the connection breaks, now or later."""
        timeout = httpx.Timeout(timeout_s, connect=10.0)
        try:
            with self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
                if response.is_error:
                    response.read()
                    raise error_of(_problem(response))
                yield response
        except httpx.TransportError as err:
            raise _unreachable(self._http, err) from err

    def _tried(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        """The first reply that is not worth a retry, or the last."""
        for pause_s in self.patience.pauses():
            try:
                response = request()
            except httpx.TransportError as err:
                if isinstance(err, httpx.UnsupportedProtocol):
                    raise _unreachable(self._http, err) from err
                self.patience.sleep(pause_s)
                continue
            if response.status_code not in _AGAIN:
                return response
            asked_s = retry_after_s(response)
            if asked_s is not None and asked_s > _LONGEST_WAIT_S:
                return response
            self.patience.sleep(pause_s if asked_s is None else max(asked_s, 0.05))
        try:
            return request()
        except httpx.TransportError as err:
            raise _unreachable(self._http, err) from err


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds that ``Retry-After`` asks for, from a number or a date; None where it is not there or
    cannot be read."""
    told = response.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        at = parsedate_to_datetime(told)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())


def _given(query: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if query is None:
        return None
    return {name: value for name, value in query.items() if value is not None}


def _object(response: httpx.Response) -> JsonBody:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as err:
        raise _unreadable(response) from err
    if not isinstance(body, dict):
        raise _unreadable(response)
    return body


def _problem(response: httpx.Response) -> Problem:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = {}  # a proxy's page, or nothing: the status alone says what is the matter
    members = body if isinstance(body, dict) else {}
    return problem_of(response.status_code, members, response.headers.get("x-request-id"))


def _unreadable(response: httpx.Response) -> ServiceError:
    return ReplyUnreadable(
        Problem(
            status=response.status_code,
            code="reply_unreadable",
            detail=f"{response.url} did not answer with a JSON object",
            next_step="Check that a vidqa service answers there, and that its version fits.",
        )
    )


def _unreachable(http: httpx.Client, err: Exception) -> ServiceError:
    return Unreachable(
        Problem(
            status=0,
            code="service_unreachable",
            detail=f"{http.base_url} cannot be reached: {err or type(err).__name__}",
            next_step="Start it with vidqa serve, or correct the address.",
            retryable=True,
        )
    )
