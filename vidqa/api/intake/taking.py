"""``POST /v1/videos``: a body that is a file, a form with one, or the place of one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vidqa.api.bodies import BODY_BYTES, int_or_0, too_large
from vidqa.api.callers import Caller
from vidqa.api.intake.acceptance import Accepted, accept, check_room, incoming_path
from vidqa.api.intake.arrival import BUFFER_BYTES, Arrival, Arrived, disk_errors, file_too_large
from vidqa.api.intake.body import Patience, chunks_of
from vidqa.api.intake.looking import ENOUGH_BYTES, check_video
from vidqa.api.intake.multipart import Form
from vidqa.api.service import Service
from vidqa.api.threads import aside
from vidqa.errors import RequestError, VidqaError
from vidqa.fetching import FetchRules, Roots, fetch
from vidqa.video.digest import file_sha256

PATIENCE = Patience()
_UNNAMED = "video"


class Place(BaseModel):
    """A video that the service is to bring in itself."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(default=None, min_length=1, max_length=4_096)
    path: str | None = Field(default=None, min_length=1, max_length=4_096)
    name: str | None = Field(default=None, min_length=1, max_length=255)
    sha256: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")

    @model_validator(mode="after")
    def _one(self) -> Place:
        if (self.url is None) == (self.path is None):
            raise ValueError("give exactly one of url and path")
        return self


class _Details(BaseModel):
    """What a form may say beside its file."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=255)
    sha256: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")


async def take_file(
    request: Request, caller: Caller, service: Service, *, name: str | None, sha256: str | None
) -> Accepted:
    """The file that is the body, or the one in its form. Leaves nothing behind where it fails."""
    coming = int_or_0(request.headers.get("content-length"))
    if coming > service.settings.max_upload_bytes + BODY_BYTES:  # a form has a little more
        raise file_too_large(service.settings.max_upload_bytes)
    await aside(check_room, service, caller, coming)
    arrival = Arrival(incoming_path(service), limit=service.settings.max_upload_bytes)
    try:
        return await _streamed(request, caller, service, arrival, name=name, sha256=sha256)
    except VidqaError as err:
        service.metrics.saw_upload(err.code)
        raise
    finally:
        service.metrics.wrote(arrival.bytes)
        await aside(arrival.discard)


async def _streamed(
    request: Request,
    caller: Caller,
    service: Service,
    arrival: Arrival,
    *,
    name: str | None,
    sha256: str | None,
) -> Accepted:
    kind = request.headers.get("content-type", "")
    chunks = chunks_of(request, PATIENCE)
    form = Form(kind, chunks) if kind.lower().startswith("multipart/") else None
    looked = False
    async for chunk in chunks if form is None else form.file():
        await arrival.take(chunk)
        if not looked and arrival.written >= ENOUGH_BYTES:
            await aside(check_video, arrival.path, name or _UNNAMED)
            looked = True
    arrived = await arrival.finish()
    if form is not None:
        details = _details(form.fields)
        name, sha256 = details.name or name or form.filename, details.sha256 or sha256
    return await aside(_kept, service, caller, arrived, request, name or _UNNAMED, sha256)


async def take_place(request: Request, caller: Caller, service: Service) -> Accepted:
    """What a URL or a path names; fetched, or copied, under guard."""
    place = await _place(request)
    return await aside(_brought, request, caller, service, place)


def _brought(request: Request, caller: Caller, service: Service, place: Place) -> Accepted:
    key = request.headers.get("idempotency-key")
    asked = f"{place.url or ''}\n{place.path or ''}"
    if key is not None:
        known = service.upload_keys.find(caller.tenant, key, asked)
        if known is not None:
            return Accepted(video=service.library.get(caller.tenant, known), created=False)
    check_room(service, caller, 0)
    arrived, own_name = _fetched(service, place) if place.url else _copied(service, place)
    try:
        name = place.name or own_name or _UNNAMED
        accepted = accept(service, caller, arrived, name=name, sha256=place.sha256)
    except VidqaError as err:
        service.metrics.saw_upload(err.code)
        raise
    finally:
        arrived.path.unlink(missing_ok=True)
    if key is not None:
        service.upload_keys.keep(caller.tenant, key, asked, accepted.video.id)
    return accepted


def _kept(
    service: Service,
    caller: Caller,
    arrived: Arrived,
    request: Request,
    name: str,
    sha256: str | None,
) -> Accepted:
    """Under its idempotency key, where it has one: checked before anything is kept."""
    key = request.headers.get("idempotency-key")
    if key is not None:
        service.upload_keys.find(caller.tenant, key, arrived.sha256)  # or another file's: raises
    accepted = accept(service, caller, arrived, name=name, sha256=sha256)
    if key is not None:
        service.upload_keys.keep(caller.tenant, key, arrived.sha256, accepted.video.id)
    return accepted


def _fetched(service: Service, place: Place) -> tuple[Arrived, str]:
    settings = service.settings
    rules = FetchRules(
        allowed_domains=settings.allowed_media_domains,
        largest_bytes=settings.max_upload_bytes,
    )
    url = str(place.url)
    fetched = fetch(url, service.library.incoming, rules)
    arrived = Arrived(path=fetched.path, bytes=fetched.bytes, sha256=fetched.sha256)
    return arrived, url.partition("?")[0].rpartition("/")[2]


def _copied(service: Service, place: Place) -> tuple[Arrived, str]:
    """The file at a path, copied: what happens to it afterwards changes nothing here."""
    roots = Roots(tuple(Path(root) for root in service.settings.media_roots))
    limit, copy = service.settings.max_upload_bytes, incoming_path(service)
    with roots.opened(str(place.path)) as rooted:
        if rooted.bytes > limit:
            raise file_too_large(limit)
        try:
            with (
                disk_errors(copy),
                open(rooted.handle, "rb", closefd=False) as source,
                copy.open("xb") as target,
            ):
                shutil.copyfileobj(source, target, BUFFER_BYTES)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        size = copy.stat().st_size
        return Arrived(path=copy, bytes=size, sha256=file_sha256(copy)), rooted.path.name


async def _place(request: Request) -> Place:
    body = bytearray()
    async for chunk in chunks_of(request, PATIENCE):
        body += chunk
        if len(body) > BODY_BYTES:
            raise too_large(BODY_BYTES)
    try:
        told = json.loads(body)
    except ValueError as err:  # not JSON, or not UTF-8
        raise RequestError(
            f"the body is not JSON: {err}",
            code="body_not_json",
            next_step='Send one JSON object, as {"url": "https://..."}.',
        ) from err
    return _valid(Place, told)


def _details(fields: dict[str, str]) -> _Details:
    return _valid(_Details, fields)


_Model = TypeVar("_Model", bound=BaseModel)


def _valid(model: type[_Model], told: object) -> _Model:
    """As FastAPI would have read it; its errors say where."""
    try:
        return model.model_validate(told)
    except ValidationError as err:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in err.errors()]
        raise RequestValidationError(errors) from err
