"""A worker of the service, with other handlers than the model's: ``... working [MODULE:FUNCTION]``.

The product's own functions, called as ``vidqa worker`` calls them; settings come from the environment.
"""

from __future__ import annotations

import logging
import sys

from vidqa.service_settings import load_service_settings


def main() -> None:
    """Work until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = load_service_settings()
    chosen = {"handlers": sys.argv[1]} if len(sys.argv) > 1 else {}
    if settings.broker is not None:
        from vidqa_workers.serving import serve

        serve(settings, **chosen)
    else:
        raise SystemExit("embedded: not yet")


if __name__ == "__main__":
    main()
