"""How workers elsewhere learn of new jobs: through a broker, where the settings name one."""

from __future__ import annotations

import importlib

from vidqa.errors import SettingsError
from vidqa.jobs.bell import Bell
from vidqa.service_settings import ServiceSettings


def bell_of(settings: ServiceSettings) -> Bell | None:
    """The bell of the broker; None without one, where workers look by themselves.

    Nothing is connected: a broker that is away costs time, never a job. Raises
    :class:`SettingsError` where Celery is not installed.
    """
    if settings.broker is None:
        return None
    try:  # by name: the product stands without its Celery workers
        bells = importlib.import_module("vidqa_workers.bell")
    except ModuleNotFoundError as err:
        raise SettingsError(
            f"a broker needs {err.name}, which is not installed",
            code="broker_driver",
            next_step="pip install 'vidqa[workers]'",
        ) from err
    bell: Bell = bells.celery_bell(settings.broker, settings)
    return bell
