"""Where exceptions become problems: inside the framework, and around all that is outside of it."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vidqa.api import problems
from vidqa.api.scopes import methods_at
from vidqa.errors import VidqaError

_log = structlog.get_logger("vidqa.api")

_DETAILS = {404: "there is nothing at {path}", 405: "{path} takes no {method}"}


async def _ours(request: Request, err: Exception) -> Response:
    assert isinstance(err, VidqaError)  # noqa: S101  (registered for this class alone)
    return problems.response_of(problems.problem_of(err), request.scope)


async def _unfitting(request: Request, err: Exception) -> Response:
    assert isinstance(err, RequestValidationError)  # noqa: S101
    return problems.response_of(problems.unfitting(err.errors()), request.scope)


async def _by_status(request: Request, err: Exception) -> Response:
    assert isinstance(err, HTTPException)  # noqa: S101
    if isinstance(
        err.__cause__, VidqaError
    ):  # FastAPI says 400 of all that stops it reading a body
        return await _ours(request, err.__cause__)
    if err.status_code in (204, 304):
        return Response(status_code=err.status_code, headers=err.headers)
    detail = _DETAILS.get(err.status_code, "{detail}").format(
        method=request.method, path=request.url.path[:200], detail=err.detail
    )
    headers = err.headers
    if err.status_code == 405:  # the framework names the methods of one route alone
        headers = {"allow": ", ".join(methods_at(request.app, request.url.path))}
    told = problems.problem_of_status(err.status_code, detail, headers)
    return problems.response_of(told, request.scope)


def register(app: FastAPI) -> None:
    """Every error that a route or the framework raises, as problem+json."""
    app.add_exception_handler(VidqaError, _ours)
    app.add_exception_handler(RequestValidationError, _unfitting)
    app.add_exception_handler(HTTPException, _by_status)


class Catching:
    """The last resort, around the other middlewares: their errors, and what nobody foresaw.

    A failure after the answer began can only cut the connection, which tells the client that what
    it has is not whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer for whatever comes back as an exception."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except VidqaError as err:
            if started:
                raise
            await problems.response_of(problems.problem_of(err), scope)(scope, receive, send)
        except Exception:
            _log.exception("request.failed", path=scope["path"])
            if started:
                raise
            await problems.response_of(problems.unforeseen(), scope)(scope, receive, send)
