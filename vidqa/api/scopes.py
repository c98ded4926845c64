"""A route that does not say what its key must be good for is a mistake found at start-up."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import compile_path

from vidqa.api.doors import PUBLIC


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """Every route, also those of included routers, with its effective path and methods."""
    yield from iter_route_contexts(app.routes)


def methods_at(app: FastAPI, path: str) -> list[str]:
    """Every method that some route takes at this path: what ``Allow`` has to say."""
    found: set[str] = set()
    for route in routes_of(app):
        if route.path is not None and compile_path(route.path)[0].fullmatch(path):
            found |= set(route.methods or ())
    return sorted(found)


def scope_of(route: RouteContext) -> str | None:
    """What a route's key must be good for; None where it does not say."""
    return next(_scopes(route.dependant), None) if _is_api(route) else None


def check_scopes(app: FastAPI) -> None:
    """Raise :class:`RuntimeError` naming the routes that ask for no scope and are not public."""
    forgotten = [
        f"{method} {route.path}"
        for route in routes_of(app)
        if _is_api(route) and scope_of(route) is None
        for method in sorted(route.methods or ())
        if (method, route.path) not in PUBLIC
    ]
    if forgotten:
        raise RuntimeError(f"routes without a scope (Reader, Writer, Admin): {forgotten}")


def _is_api(route: RouteContext) -> bool:
    return isinstance(route.original_route, APIRoute)


def _scopes(dependant: Dependant) -> Iterator[str]:
    for part in dependant.dependencies:
        scope = getattr(part.call, "vidqa_scope", None)
        if scope is not None:
            yield str(scope)
        yield from _scopes(part)
