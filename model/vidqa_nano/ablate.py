"""``python -m vidqa_nano.ablate --run FOLDER --cache FOLDER``: what each loss is worth.

Trains nano with all losses, without one of them in stage 2, and without stage 1: then stage 2 has
its steps too.
"""

from __future__ import annotations

from vidqa_nano.recipe import HELPING, Recipe
from vidqa_nano.several import Subject, run_table

SUBJECT = Subject(
    name="ablate",
    variants={
        "all losses": {},
        **{f"no {loss}": {"without": loss} for loss in HELPING},
        "no stage 1": {"vision_share": 0.0},
    },
    rates=(0.5, 1.0, 2.0),
    fixed_tower=False,
    title="Nano trained with one loss left out",
    about=__doc__,
)


def main(argv: list[str] | None = None, base: Recipe | None = None) -> int:
    """Run or resume; returns the exit code."""
    return run_table(SUBJECT, argv, base or Recipe())


if __name__ == "__main__":
    raise SystemExit(main())
