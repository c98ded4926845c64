"""``python -m vidqa_nano.rules --run FOLDER --cache FOLDER``: what each way to tell time is worth.

Trains nano once under every rule of :data:`vidqa_nano.timing.RULES`, on questions of when alone (in
colours: what grey is for is not asked here), and asks it under the same one.
Rates of 0.5, 1 and 2 frames per second put rows whole seconds apart, where ``int_truncated`` is
right; 1.28 puts them 1.5625 s apart, as the usual reading of ten minutes of video does.
"""

from __future__ import annotations

from vidqa_nano.recipe import Recipe
from vidqa_nano.several import Subject, run_table
from vidqa_nano.timing import RULES

SUBJECT = Subject(
    name="rules",
    variants={rule: {"time_rule": rule} for rule in RULES},
    shared=0.6,
    always={"only_when": True, "grey": 0.0},
    rates=(0.5, 1.0, 1.28, 2.0),
    fixed_tower=True,
    title="Nano trained and asked under each way to tell time",
    about=__doc__,
)


def main(argv: list[str] | None = None, base: Recipe | None = None) -> int:
    """Run or resume; returns the exit code."""
    return run_table(SUBJECT, argv, base or Recipe())


if __name__ == "__main__":
    raise SystemExit(main())
