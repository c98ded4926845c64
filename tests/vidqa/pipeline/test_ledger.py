"""Bounds on a search, and the account of what was spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.seeing_engine import seeing
from vidqa.effort import Effort, Halt
from vidqa.errors import PlanError
from vidqa.pipeline.ask import ask
from vidqa.pipeline.describe import describe
from vidqa.pipeline.ledger import Ended, Ledger, Timer
from vidqa.provenance import Pass
from vidqa.reply import combined
from vidqa.timeline import Span


def one_pass(count: int = 1) -> Pass:
    return Pass(
        stage="zoom", span=Span(0, 1), fps=2.0, frames=2, height=28, width=28, video_tokens=1,
        count=count,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["passes", "precision_s", "deadline_s"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_an_impossible_bound_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(PlanError, match=name):
        Effort(**{name: value})  # type: ignore[arg-type]


def test_the_profiles_number_counts_where_nobody_says_more() -> None:
    assert Effort().passes_of(6) == 6
    assert Effort(passes=2).passes_of(6) == 2
    assert Effort(thorough=True).passes_of(6) is None
    assert Effort(thorough=True, passes=9).passes_of(6) == 9


@pytest.mark.parametrize(
    ("effort", "named"),
    [(Effort(thorough=True), "thorough = True"), (Effort(precision_s=2.0), "precision_s = 2.0")],
)
def test_bounds_on_searches_are_refused_where_nothing_is_sought(
    clip: Path, effort: Effort, named: str
) -> None:
    ctx, _ = seeing()
    for asked in (
        lambda: ask(clip, "What?", ctx, effort=effort),
        lambda: describe(clip, ctx, effort=effort),
    ):
        with pytest.raises(PlanError, match=named) as caught:
            asked()
        assert caught.value.code == "effort_without_search"


def test_passes_are_counted_and_end_the_search() -> None:
    ledger = Ledger(Timer(Effort()), 3)
    ledger.check()
    ledger.enter(one_pass(2))
    assert (ledger.spent, ledger.left) == (2, 1)
    with pytest.raises(Ended, match="passes"):
        ledger.check(2)


def test_only_the_first_look_at_a_window_tells_what_was_kept_of_it() -> None:
    ledger = Ledger(Timer(Effort()), None)
    assert ledger.cache() == {"features": "off", "prefix": "off"}
    ledger.asked(Span(0, 1), "miss")
    ledger.asked(Span(0, 1), "hit")
    assert ledger.cache("hit") == {"features": "hit", "prefix": "miss"}
    ledger.asked(Span(1, 2), "hit")
    assert ledger.cache("hit") == {"features": "hit", "prefix": "partial"}


@pytest.mark.parametrize(
    ("states", "one"),
    [("hit hit", "hit"), ("miss miss", "miss"), ("hit miss", "partial"), ("partial", "partial"),
     ("off hit", "hit"), ("off", "off"), ("", "off")],
)  # fmt: skip
def test_states_of_many_passes_are_told_as_one(states: str, one: str) -> None:
    assert combined(states.split()) == one  # type: ignore[arg-type]


def test_time_ends_the_search_when_it_is_up() -> None:
    now = [10.0]
    timer = Timer(Effort(deadline_s=5.0), now=lambda: now[0])
    now[0] = 14.9
    timer.check()
    now[0] = 15.0
    with pytest.raises(Ended, match="deadline"):
        timer.check()


def test_a_caller_who_wants_an_end_comes_before_everything() -> None:
    halt = Halt(asked=True)
    with pytest.raises(Ended, match="interrupted"):
        Timer(Effort(halt=halt, deadline_s=1e-9)).check()
