"""``/v1/problems``: what the ``type`` of a problem leads to."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from vidqa.api.callers import Reader
from vidqa.api.problems import title_of
from vidqa.api.statuses import STATUS_OF_CODE
from vidqa.errors import RequestError

router = APIRouter(prefix="/v1/problems", tags=["service"])


class ProblemKind(BaseModel):
    """One code that answers of this service may carry."""

    code: str = Field(examples=["job_missing"])
    title: str = Field(examples=["Job missing"])
    status: int = Field(examples=[404])


class ProblemKinds(BaseModel):
    """Every code with a status of its own, by status."""

    problems: list[ProblemKind]


@router.get("", summary="The problems there are")
async def list_problems(_caller: Reader) -> ProblemKinds:
    """Codes with a status of their own; others get one by the stage that failed, mostly 422."""
    by_status = sorted(STATUS_OF_CODE.items(), key=lambda pair: (pair[1], pair[0]))
    return ProblemKinds(problems=[_kind(code, status) for code, status in by_status])


@router.get("/{code}", summary="One kind of problem")
async def get_problem(code: str, _caller: Reader) -> ProblemKind:
    """Where the ``type`` of a problem leads."""
    if code not in STATUS_OF_CODE:
        raise RequestError(
            f"no problem {code[:100]!r} has a status of its own",
            code="problem_unknown",
            next_step="See /v1/problems; the answer that named it says all that is known.",
        )
    return _kind(code, STATUS_OF_CODE[code])


def _kind(code: str, status: int) -> ProblemKind:
    return ProblemKind(code=code, title=title_of(code), status=status)
