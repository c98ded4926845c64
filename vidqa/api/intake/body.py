"""A request's body, chunk by chunk, from a client that may be slow, silent or gone."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import anyio
from fastapi import Request
from starlette.requests import ClientDisconnect

from vidqa.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How slow a body may come: a client that holds a connection and sends nothing is cut off."""

    silence_s: float = 30.0
    """Longest time without a byte."""
    grace_s: float = 60.0
    """Time after which the mean rate counts."""
    least_rate: float = 1024.0
    """Bytes a second, on the mean."""


async def chunks_of(
    request: Request,
    patience: Patience,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[bytes]:
    """The body as it comes, in chunks of whatever size.

    Raises :class:`RequestError`: ``body_too_slow`` (408), or ``body_cut_off`` where the client left
    before its end, whom the answer then no longer reaches.
    """
    stream, began, seen = request.stream(), clock(), 0
    while True:
        try:
            with anyio.fail_after(patience.silence_s):
                chunk = await anext(stream, None)
        except TimeoutError as err:
            raise _too_slow(f"no byte came for {patience.silence_s:g} s") from err
        except ClientDisconnect as err:
            raise RequestError(
                f"the connection ended after {seen:,} bytes of the body",
                code="body_cut_off",
                next_step="Send it again; /v1/uploads goes on where an upload was cut off.",
            ) from err
        if chunk is None:
            return
        seen += len(chunk)
        took_s = clock() - began
        if took_s > patience.grace_s and seen < took_s * patience.least_rate:
            raise _too_slow(f"{seen:,} bytes came in {took_s:.0f} s")
        if chunk:
            yield chunk


def _too_slow(why: str) -> RequestError:
    return RequestError(
        why,
        code="body_too_slow",
        next_step="Send faster, or in parts: /v1/uploads goes on where an upload ended.",
        headers={"connection": "close"},
    )
