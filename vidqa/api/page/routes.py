"""Serves the page: the index by entity tag, its files for ever under their digest."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Response
from fastapi.responses import FileResponse, JSONResponse

from vidqa.api.page.examples import find_examples
from vidqa.api.page.site import File, read_site

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types vidqa",
    )
)
"""Nothing from elsewhere, nothing inline, and no string becomes markup or code: the one policy of
trusted types is for the address of the page's own service worker."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Service-Worker-Allowed": "/",
}
_ASK_AGAIN = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"
_Tag = Annotated[str | None, Header(alias="If-None-Match")]


def page_router() -> APIRouter:
    """``/``, ``/page/{version}/...`` and ``/page/examples``; none needs a key, none tells of data.

    A file asked for under another version than this one's (an old page, a replica that is newer)
    is the file as it is here, but is not to be kept.
    """
    router = APIRouter(include_in_schema=False)
    site = read_site()
    examples = find_examples()

    @router.api_route("/", methods=["GET", "HEAD"])
    async def index(if_none_match: _Tag = None) -> Response:
        return _answer(site.index, if_none_match, cache=_ASK_AGAIN)

    @router.get("/page/examples")
    async def list_examples() -> JSONResponse:
        listed = [example.to_dict() for example in examples.values()]
        return JSONResponse({"examples": listed}, headers={"Cache-Control": _ASK_AGAIN})

    @router.get("/page/examples/{name}")
    async def example(name: str) -> FileResponse:
        if name not in examples:
            raise HTTPException(404, f"no example is called {name!r}")
        return FileResponse(examples[name].path, media_type="video/mp4", headers=_HEADERS)

    @router.get("/page/{version}/{name:path}")
    async def file(version: str, name: str, if_none_match: _Tag = None) -> Response:
        if name not in site.files:
            raise HTTPException(404, f"the page has no file {name!r}")
        cache = _FOR_EVER if version == site.version else _ASK_AGAIN
        return _answer(site.files[name], if_none_match, cache=cache)

    return router


def _answer(file: File, known: str | None, *, cache: str) -> Response:
    headers = {**_HEADERS, "ETag": file.etag, "Cache-Control": cache}
    if known is not None and (known.strip() == "*" or file.etag in _tags(known)):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _tags(known: str) -> set[str]:
    """The tags of an ``If-None-Match``; a weak one matches its strong form (RFC 9110, 13.1.2)."""
    return {tag.strip().removeprefix("W/") for tag in known.split(",")}
