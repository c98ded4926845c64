"""``vidqa worker``: runs the service's jobs until it is told to stop."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli import options
from vidqa.cli.errors import FOUND, exits
from vidqa.cli.service import DatabaseOption, FolderOption, settings_of
from vidqa.errors import SettingsError

if TYPE_CHECKING:
    from vidqa.service.records import Queue

QueueOption = Annotated[
    list[str] | None,
    typer.Option("--queue", metavar="QUEUE", help="cpu or gpu; repeatable; both without it."),
]
BrokerOption = Annotated[
    str | None,
    typer.Option("--broker", metavar="URL", help="redis://...: run Celery workers (VIDQA_BROKER)."),
]
RootOption = Annotated[
    list[str] | None,
    typer.Option("--media-root", metavar="DIR", help="Jobs may name videos below it; repeatable."),
]


@exits
def worker(
    queue: QueueOption = None,
    broker: BrokerOption = None,
    media_root: RootOption = None,
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    dtype: options.DtypeOption = None,
    weights: options.WeightsOption = None,
    threads: options.ThreadsOption = None,
) -> int:
    """Run jobs of the service: index jobs are of the queue cpu, all others of gpu.

    The model is loaded at the first job that needs it. SIGTERM and Ctrl-C let a running job end,
    or put it back for another worker.
    """
    queues = _queues(queue)
    roots = tuple(media_root) if media_root else None
    settings = settings_of(data_dir, database, broker=broker, media_roots=roots)
    asked = {
        "model": model,
        "device": device,
        "dtype": dtype,
        "weights": weights,
        "threads": threads,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    from vidqa.jobs.launching import log_to_stderr
    from vidqa.jobs.worker import supervise

    log_to_stderr(settings)
    if settings.broker is None:
        supervise(settings, queues=queues, session=given)
    else:
        _celery().serve(settings, queues=queues, session=given)
    return FOUND


def _queues(named: list[str] | None) -> list[Queue]:
    from vidqa.service.records import QUEUES

    unknown = [each for each in named or () if each not in QUEUES]
    if unknown:
        raise SettingsError(
            f"there is no queue {unknown[0]!r}",
            code="queue_unknown",
            next_step=f"Choose of {', '.join(QUEUES)}.",
        )
    return [each for each in QUEUES if not named or each in named]


def _celery() -> Any:
    """By name: vidqa stands without its Celery workers."""
    try:
        return importlib.import_module("vidqa_workers.serving")
    except ModuleNotFoundError as err:
        raise SettingsError(
            f"a broker needs {err.name}, which is not installed",
            code="broker_driver",
            next_step="pip install 'vidqa[workers]'",
        ) from err
