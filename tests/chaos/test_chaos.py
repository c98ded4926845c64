"""A hundred jobs, and everything that may die dies meanwhile: none is lost, none has effect twice.

The same with a thousand jobs and two hundred faults: ``python -m benchmarks.service --only chaos``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.chaos.experiment import Plan, experiment
from tests.chaos.stage import MODES, Mode
from tests.redis_server import a_redis


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.parametrize("mode", MODES)
def test_no_job_is_lost_and_none_has_effect_twice(mode: Mode, tmp_path: Path) -> None:
    if mode == "celery":
        a_redis()  # skips where there is none
    plan = Plan(mode=mode, jobs=100, faults=9, seed=5, longest_gap_s=4.0, longest_job_s=0.3)
    outcome = experiment(plan, tmp_path)
    assert outcome.is_sound, outcome
    assert outcome.states == {"completed": 100}
