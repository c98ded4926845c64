"""A worker of the service by the settings of the environment, as ``vidqa worker`` starts it."""

from __future__ import annotations

import logging

from vidqa.service_settings import load_service_settings


def main() -> None:
    """Work until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = load_service_settings()
    if settings.broker is not None:
        from vidqa_workers.serving import serve

        serve(settings)
    else:
        from vidqa.jobs.worker import supervise

        supervise(settings)


if __name__ == "__main__":
    main()
