"""Jobs over HTTP: taken once, waited for or not, followed, ended, exported, each tenant's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.vidqa.api.routes.conftest import Stand


def ground(stand: Stand, **more: Any) -> dict[str, Any]:
    return {"video": {"video_id": stand.video().id}, "query": "door opens", **more}
