"""The map from what is known of an answer to how probable it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.calibration import (
    CALIBRATION_FILE,
    Calibration,
    expected_error,
    fit_curve,
    read_calibration,
)
from vidqa.errors import ModelError
from vidqa.signs import Signs

CHANCE = st.floats(0.0, 1.0)


def drawn(count: int, seed: int = 0) -> tuple[list[Signs], list[bool]]:
    """Answers whose digits say half as much as they claim."""
    rng = np.random.default_rng(seed)
    digits = rng.uniform(0.5, 0.99, count)
    right = rng.random(count) < (digits - 0.4)
    return [Signs(digits=float(d), yes=0.9) for d in digits], right.tolist()


def made_of(route: str) -> Calibration:
    routes = {route: fit_curve(*drawn(60), [0.5])}
    return Calibration(made_for="sha256:1", labelled=60, routes=routes)


def test_the_error_is_the_mean_gap_between_what_is_said_and_what_is() -> None:
    chances, right = np.array([0.9, 0.9, 0.2, 0.2]), np.array([1.0, 0.0, 0.0, 0.0])
    assert expected_error(chances, right) == pytest.approx((2 * 0.4 + 2 * 0.2) / 4)


def test_a_fitted_map_means_what_it_says_where_the_bare_score_did_not() -> None:
    curve = fit_curve(*drawn(600), [])
    assert curve.ece_before > 0.25
    assert curve.ece < 0.08
    signs, right = drawn(600, seed=1)
    fresh = np.array([curve.probability(each) for each in signs])
    assert expected_error(fresh, np.array(right, dtype=float)) < 0.08


@given(CHANCE, CHANCE)
def test_more_certain_signs_are_never_less_probable(a: float, b: float) -> None:
    curve = fit_curve(*drawn(200), [])
    low, high = sorted((a, b))
    chances = [curve.probability(Signs(digits=d, yes=0.9)) for d in (low, high)]
    assert 0.0 <= chances[0] <= chances[1] <= 1.0


def test_precision_is_what_nine_in_ten_right_answers_keep() -> None:
    assert fit_curve(*drawn(50), [0.1] * 8 + [3.0, 3.0]).precision_factor == pytest.approx(3.0)
    assert fit_curve(*drawn(50), [0.1] * 10).precision_factor == 1.0


def test_nothing_can_be_learnt_from_answers_that_are_all_right() -> None:
    signs, _ = drawn(50)
    with pytest.raises(ModelError, match="50 of them right"):
        fit_curve(signs, [True] * 50, [])


def test_a_calibration_comes_back_from_its_file(tmp_path: Path) -> None:
    made = made_of("search")
    (tmp_path / CALIBRATION_FILE).write_text(made.to_json())
    assert read_calibration(tmp_path, "sha256:1") == made
    assert read_calibration(tmp_path / "elsewhere", "sha256:1") is None
    with pytest.raises(ModelError, match="made for sha256:1"):
        read_calibration(tmp_path, "sha256:2")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"a":' * 5000, '{"made_for": "a", "labelled": 1, "routes": {"search": {}}}'],
)
def test_a_file_of_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(text)
    with pytest.raises(ModelError) as caught:
        read_calibration(tmp_path, "sha256:1")
    assert caught.value.code == "calibration_unusable"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"precision_factor": 0.5}, "precision_factor is 0.5"),
        ({"weights": [0.0] * 4}, "4 weights, not 5"),
        ({"weights": [0.0] * 4 + [float("nan")]}, "not finite"),
        ({"knots": []}, "no knots"),
        ({"knots": [[0.0, 0.9], [1.0, 0.1]]}, "do not rise"),
        ({"knots": [[0.0, 0.1], [1.0, 1.1]]}, "not between 0 and 1"),
        ({"found_from": -0.1}, "not between 0 and 1"),
    ],
)
def test_a_curve_that_no_fit_gives_is_refused_by_what_is_wrong_with_it(
    wrong: dict[str, object], told: str
) -> None:
    made = Calibration(
        made_for="sha256:1", labelled=60, routes={"search": fit_curve(*drawn(60), [0.5])}
    )
    given = json.loads(made.to_json())
    given["routes"]["search"] |= wrong
    with pytest.raises(ModelError, match=f"route 'search': .*{told}"):
        Calibration.from_json(json.dumps(given))


def test_a_route_that_no_answer_takes_is_refused() -> None:
    with pytest.raises(ModelError, match="'detour': there is no route of that name"):
        Calibration.from_json(made_of("detour").to_json())


def test_the_score_is_the_geometric_mean_of_what_is_known() -> None:
    assert Signs(digits=0.5).score == pytest.approx(0.5)
    assert Signs(digits=0.4, yes=0.9).score == pytest.approx(0.6)
