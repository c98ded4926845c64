"""Every error says what failed, where, whether to try again, and what to do next."""

from __future__ import annotations

import pytest

from vidqa import errors
from vidqa.errors import PlanError, VidqaError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, VidqaError) and kind is not VidqaError
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_json_a_shell_can_act_on(kind: type[VidqaError]) -> None:
    error = kind("no such clip", code="clip_missing", next_step="Choose another.")
    assert error.to_dict() == {
        "code": "clip_missing",
        "stage": kind.stage,
        "message": "no such clip",
        "next_step": "Choose another.",
        "retryable": kind.retryable,
    }


def test_every_kind_of_error_names_a_stage_of_its_own() -> None:
    stages = [kind.stage for kind in KINDS if VidqaError in kind.__bases__]
    assert len(set(stages)) == len(stages)
    assert VidqaError.stage not in stages


def test_wrong_values_are_value_errors_too() -> None:
    with pytest.raises(ValueError, match="too small"):
        raise PlanError("too small", code="budget_too_small", next_step="Raise it.")
