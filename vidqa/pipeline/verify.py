"""Does it happen at all: a video and a query in, the probability of a yes out."""

from __future__ import annotations

from pathlib import Path

from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.look import look_at
from vidqa.pipeline.planning import no_time
from vidqa.prompts import verify_prompt
from vidqa.video import is_still


def verify(
    path: Path,
    query: str,
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
) -> float:
    """How probable the model's yes is among yes and no, in ``[start_s, end_s)``; not calibrated.

    An image is refused with :class:`VideoError`: nothing happens in it.
    """
    clock, profile = StageClock(ctx.progress), ctx.engine.profile
    prompt = verify_prompt(query, profile)
    if is_still(path):
        raise no_time(path, "use ask")
    look = look_at(path, ctx, clock, start_s=start_s, end_s=end_s)
    with clock.stage("text"):
        chosen = ctx.engine.choose(prompt, look.watched, profile.verify_choices)
    return chosen.probabilities[0]
