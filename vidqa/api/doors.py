"""Nobody gets in without a key: the whole application, also paths that do not exist.

``PUBLIC`` is the list of all that is open. Where there are no keys at all, and the service listens
on loopback, this machine's own users are let in as :data:`vidqa.api.callers.LOCAL_CALLER`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from vidqa.api.callers import LOCAL_CALLER, Caller, caller_of_key
from vidqa.api.hosts import is_loopback
from vidqa.api.limits import Limits
from vidqa.errors import RequestError, ServiceError
from vidqa.service.keys import ApiKeys

PUBLIC = frozenset(
    {("GET", "/healthz"), ("HEAD", "/healthz"), ("GET", "/version"), ("HEAD", "/version")}
)
"""Every method and path that needs no key; they tell nothing of anybody."""
REMEMBERED_S = 2.0
"""How long a key that was looked up is believed: a revoked one is refused after that."""
_REMEMBERED = 1_000


class Guard:
    """Says whose request it is; asks the book of keys at most every two seconds for each key."""

    def __init__(
        self, keys: ApiKeys, *, host: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys, self._clock = keys, clock
        self._loopback = is_loopback(host)
        self._known: OrderedDict[bytes, tuple[float, Caller | None]] = OrderedDict()
        self._any: tuple[float, bool] | None = None

    async def caller(self, scope: Scope) -> Caller:
        """Raises :class:`RequestError`: ``key_required`` or ``key_invalid``, both 401."""
        headers = Headers(scope=scope)
        secret = _secret(headers.get("authorization", ""))
        if secret is not None:
            return await self._owner(secret, headers)
        if self._loopback and _is_from_here(scope) and not await self._keys_exist():
            return LOCAL_CALLER
        raise RequestError(
            "this service needs a key",
            code="key_required",
            next_step="Send Authorization: Bearer KEY; vidqa keys add NAME makes one.",
            headers=_challenge(headers),
        )

    async def _owner(self, secret: str, headers: Headers) -> Caller:
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
        seen = self._known.get(digest)
        if seen is None or seen[0] < self._clock():
            caller = await run_sync(self._look_up, secret)
            seen = (self._clock() + REMEMBERED_S, caller)
            self._known[digest] = seen
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if seen[1] is None:
            raise RequestError(
                "this key is unknown, or was revoked",
                code="key_invalid",
                next_step="Use a key that vidqa keys ls lists; vidqa keys add NAME makes one.",
                headers=_challenge(headers),
            )
        return seen[1]

    def _look_up(self, secret: str) -> Caller | None:
        try:
            return caller_of_key(self._keys.check(secret))
        except ServiceError as err:
            if err.code != "key_invalid":  # it is the database that fails, not the key
                raise
            return None

    async def _keys_exist(self) -> bool:
        if self._any is None or self._any[0] < self._clock():
            self._any = (self._clock() + REMEMBERED_S, await run_sync(self._keys.exist))
        return self._any[1]


class Doors:
    """The layer that asks :class:`Guard`, then :class:`Limits`, then lets the request in."""

    def __init__(self, app: ASGIApp, *, guard: Guard, limits: Limits) -> None:
        self.app = app
        self._guard, self._limits = guard, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set ``scope["vidqa.caller"]``, or raise what the guard or the limits say."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if (scope["method"], scope["path"]) in PUBLIC:
            await self.app(scope, receive, send)
            return
        caller = await self._guard.caller(scope)
        scope["vidqa.caller"] = caller
        if caller.key_id is None:
            await self.app(scope, receive, send)
            return
        with self._limits.admit(caller.key_id):
            await self.app(scope, receive, send)


def _secret(authorization: str) -> str | None:
    """The key of a header: ``Bearer KEY``, or ``Basic`` with the key as password, as browsers ask.

    None where there is neither; a header that cannot be read holds no key that anybody knows.
    """
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(rest.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]


def _challenge(headers: Headers) -> dict[str, str]:
    """A browser asks its user for a password, which is the key; a program is not asked."""
    if "text/html" in headers.get("accept", ""):
        return {
            "www-authenticate": 'Basic realm="vidqa: the password is your key", charset="UTF-8"'
        }
    return {"www-authenticate": 'Bearer realm="vidqa"'}


def _is_from_here(scope: Scope) -> bool:
    """Whether the other end is on this machine: however the application came to be served."""
    client = scope.get("client")
    return client is None or is_loopback(client[0])
