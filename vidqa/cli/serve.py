"""``vidqa serve``: the whole service from one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidqa.cli.errors import exits

if TYPE_CHECKING:
    from vidqa.service_settings import ServiceSettings


@exits
def serve(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; any but loopback needs a key.  [127.0.0.1]"),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", help="0 takes a free one.  [8000]")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="API processes; one does, mostly.")
    ] = 1,
    broker: Annotated[
        str | None,
        typer.Option(help="redis://...: announce jobs to vidqa worker, and start none here."),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where uploads, jobs and keys lie.", file_okay=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="What the worker loads, as elsewhere.")
    ] = None,
) -> int:
    """Serve the API and its page, and do the jobs, until Ctrl-C.

    Loopback needs no key. vidqa keys add NAME makes one; with it, --host 0.0.0.0 serves others.
    """
    from vidqa.api.serving.whole import serve as serve_until_told
    from vidqa.logs import configure_logs  # late, as all that help does not need
    from vidqa.service_settings import load_service_settings

    if model is not None:  # for every process of the service, this one and those it starts
        os.environ["VIDQA_MODEL"] = model
    settings = load_service_settings(host=host, port=port, broker=broker, data_dir=data_dir)
    configure_logs(settings.log_format, level=settings.log_level)
    serve_until_told(
        settings,
        replicas=workers,
        tell=lambda url, keys: typer.echo(_told(settings, url, keys), err=True),
    )
    return 0


def _told(settings: ServiceSettings, url: str, keys: int) -> str:
    """What a user reads at the start."""
    from vidqa import __version__

    if settings.broker is None:
        jobs = "one worker process, here"
    else:
        jobs = "announced through the broker; do them with: vidqa worker"
    needed = f"needed; there are {keys}" if keys else "none needed: only this machine gets in"
    return "\n".join(
        [
            f"vidqa {__version__} serves {url}",
            f"  page  {url}/",
            f"  API   {url}/v1, described at {url}/openapi.json",
            f"  jobs  {jobs}",
            f"  keys  {needed}",
            f"  data  {settings.folder}",
            "Ctrl-C stops it.",
        ]
    )
