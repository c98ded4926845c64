"""Who asks: the owner of a key, with what the key is good for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from vidqa.errors import RequestError
from vidqa.service.keys import allows
from vidqa.service.records import LOCAL, SCOPES, ApiKey, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Owner of the request: every video and job it names is looked for among the tenant's."""

    tenant: str
    scopes: frozenset[Scope]
    """``read`` looks, ``write`` makes and removes, ``admin`` sees the whole installation."""
    key_id: str | None
    """None where the service has no keys: nobody but this machine's users can reach it."""

    def require(self, scope: Scope) -> None:
        """Raise :class:`RequestError` ``scope_missing`` where the key is not good for ``scope``."""
        if scope not in self.scopes:
            raise RequestError(
                f"this key is not good for {scope!r}, only for {', '.join(sorted(self.scopes))}",
                code="scope_missing",
                next_step=f"Use a key made with: vidqa keys add NAME --scope {scope}",
            )


_ALL: frozenset[Scope] = frozenset(SCOPES)
LOCAL_CALLER = Caller(tenant=LOCAL, scopes=_ALL, key_id=None)
"""Owner of everything on a service without keys."""


def caller_of_key(key: ApiKey) -> Caller:
    """The owner of a key, with all that it is good for: whoever may write may read."""
    scopes: frozenset[Scope] = frozenset(scope for scope in SCOPES if allows(key, scope))
    return Caller(tenant=key.tenant, scopes=scopes, key_id=key.id)


def caller_of(request: Request) -> Caller:
    """Whom :class:`vidqa.api.doors.Doors` let in."""
    caller = request.scope["vidqa.caller"]
    assert isinstance(caller, Caller)  # noqa: S101  (Doors sets nothing else)
    return caller


def needs(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency that gives the caller, whose key must be good for ``scope``."""

    async def check(request: Request) -> Caller:  # not a plain function: those take a thread each
        caller = caller_of(request)
        caller.require(scope)
        return caller

    check.vidqa_scope = scope  # type: ignore[attr-defined]  # read by vidqa.api.scopes
    return check


Reader = Annotated[Caller, Depends(needs("read"))]
Writer = Annotated[Caller, Depends(needs("write"))]
Admin = Annotated[Caller, Depends(needs("admin"))]
