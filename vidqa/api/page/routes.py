"""Serves the page: the index by entity tag, its files for ever under their digest."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

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


def page_routes() -> list[Route]:
    """``/``, ``/page/{version}/...`` and ``/page/examples``; none needs a key, none tells of data.

    A file asked for under another version than this one's (an old page, a replica that is newer)
    is the file as it is here, but is not to be kept.
    """
    site = read_site()
    examples = find_examples()

    async def index(request: Request) -> Response:
        return _answer(site.index, request, cache=_ASK_AGAIN)

    async def list_examples(_request: Request) -> Response:
        listed = [example.to_dict() for example in examples.values()]
        return JSONResponse({"examples": listed}, headers={"Cache-Control": _ASK_AGAIN})

    async def example(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in examples:
            raise HTTPException(404)
        return FileResponse(examples[name].path, media_type="video/mp4", headers=_HEADERS)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in site.files:
            raise HTTPException(404)
        known = request.path_params["version"] == site.version
        return _answer(site.files[name], request, cache=_FOR_EVER if known else _ASK_AGAIN)

    return [
        Route("/", index),
        Route("/page/examples", list_examples),
        Route("/page/examples/{name}", example),
        Route("/page/{version}/{name:path}", file),
    ]


def _answer(file: File, request: Request, *, cache: str) -> Response:
    headers = {**_HEADERS, "ETag": file.etag, "Cache-Control": cache}
    known = request.headers.get("If-None-Match", "")
    if known.strip() == "*" or file.etag in _tags(known):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _tags(known: str) -> set[str]:
    """The tags of an ``If-None-Match``; a weak one matches its strong form (RFC 9110, 13.1.2)."""
    return {tag.strip().removeprefix("W/") for tag in known.split(",")}
