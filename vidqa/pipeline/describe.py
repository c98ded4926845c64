"""What happens in a video of any length: windows in, chapters by time out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from vidqa.effort import Effort
from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.ledger import Ended, Ledger, Timer
from vidqa.pipeline.look import Look, facts_of, look_at, open_source
from vidqa.pipeline.planning import no_time, window_of
from vidqa.pipeline.report import notes_of
from vidqa.pipeline.tail import Tail, Unreadable
from vidqa.prompts import describe_prompt
from vidqa.provenance import Coverage, Provenance
from vidqa.replies import parse_events
from vidqa.reply import Reply
from vidqa.results import Chapter, DescribeResult, Outcome
from vidqa.timeline import Span
from vidqa.video import KnownFile, is_still


def describe(
    path: Path,
    ctx: Context,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    effort: Effort | None = None,
) -> DescribeResult:
    """List what happens in ``[start_s, end_s)``, window by window, as chapters.

    An event that goes on over the border of two windows is one chapter when both call it alike.
    Where the file stops decoding in a later window, or time is up, the chapters known by then are
    told, and why there are no more. An image is refused with
    :class:`VideoError`; raises as :func:`vidqa.pipeline.ask.ask` besides.
    """
    clock, effort = StageClock(ctx.progress), effort or Effort()
    effort.check_unsought()
    if is_still(path):
        raise no_time(path, "use ask")
    timer, source = Timer(effort), open_source(path, ctx, clock)
    info = source.reader.info
    window = window_of(info, start_s, end_s) or info.span
    effort.halt.heeded = True
    ledger = Ledger(timer, effort.passes)
    spans = windows_for(window, ctx, effort.passes)
    teller = _Teller(source, ctx, clock, ledger)
    with clock.stage("describe", len(spans), timed=False) as step:
        try:
            for span in spans:
                ledger.check()
                teller.tell(span)
                step()
        except Ended as end:
            ledger.ended = end.why
        except Unreadable:  # so are all windows after it: the result says from where on
            pass
    return teller.result()


def windows_for(window: Span, ctx: Context, passes: int | None) -> list[Span]:
    """Windows of equal length, each what one pass is trusted with; longer where ``passes`` are few
    and the checkpoint bears it."""
    reach = ctx.engine.profile.reach
    usual_s = reach.one_pass_s if reach.whole else reach.window_s
    count = max(1, math.ceil(window.length_s / usual_s - 1e-9))
    if passes is not None and reach.whole:
        count = min(count, passes)
    length_s = window.length_s / count
    edges = [window.start_s + k * length_s for k in range(count)] + [window.end_s]
    return [Span(a, b) for a, b in itertools.pairwise(edges)]


def joined_chapters(chapters: Sequence[Chapter]) -> list[Chapter]:
    """Chapters by time; those of the same words that touch, or lie within their precision, made
    one."""
    done: list[Chapter] = []
    for each in sorted(chapters, key=lambda c: (c.span, c.text)):
        twin = next(
            (
                k
                for k, other in enumerate(done)
                if other.text.casefold() == each.text.casefold()
                and each.span.start_s <= other.span.end_s + each.precision_s
            ),
            None,
        )
        if twin is None:
            done.append(each)
            continue
        other = done[twin]
        span = Span(other.span.start_s, max(other.span.end_s, each.span.end_s))
        evidence = tuple(dict.fromkeys((*other.evidence, *each.evidence)))
        done[twin] = replace(
            other, span=span, score=min(other.score, each.score), evidence=evidence
        )
    return done


class _Teller:
    """The windows told so far."""

    def __init__(self, source: KnownFile, ctx: Context, clock: StageClock, ledger: Ledger) -> None:
        self._source, self._ctx, self._clock, self._ledger = source, ctx, clock, ledger
        self._chapters: list[Chapter] = []
        self._replies: list[str] = []
        self._strange = self._unread = self._cut = 0
        self._tail = Tail(source.reader.info.unreadable_from_s)

    def tell(self, span: Span) -> None:
        """Look at one window and add what happens in it."""
        ctx, quiet = self._ctx, self._clock.quiet()
        path, source = self._source.path, self._source
        see = partial(look_at, path, ctx, quiet, source=source)
        look = self._tail.look(span.start_s, lambda: see(start_s=span.start_s, end_s=span.end_s))
        profile, timer = ctx.engine.profile, self._ledger.timer
        with quiet.stage("text"):
            reply = ctx.engine.reply(
                describe_prompt(profile),
                look.watched,
                max_new_tokens=profile.describe_tokens,
                on_text=lambda _: timer.check(),
            )
        self._ledger.enter_look(look, "describe")
        self._ledger.asked(look.seen, reply.prefix)
        self._strange += ctx.engine.is_familiar(look.watched) is False
        self._take(reply, look)

    def _take(self, reply: Reply, look: Look) -> None:
        parsed = parse_events(reply.text, window=look.model_window)
        self._replies.append(reply.text)
        self._unread += not parsed.events and not parsed.quiet
        self._cut += reply.cut_short
        for event in parsed.events:
            span = look.to_file_span(event.span)
            self._chapters.append(
                Chapter(
                    span=span,
                    text=event.text,
                    score=reply.score,
                    precision_s=look.plan.precision_s,
                    evidence=look.evidence(span),
                )
            )

    def result(self) -> DescribeResult:
        """All chapters, and how they came about."""
        return DescribeResult(
            outcome=self._outcome(),
            chapters=tuple(joined_chapters(self._chapters)),
            provenance=self._provenance(),
        )

    def _outcome(self) -> Outcome:
        if self._chapters:
            return "found"
        return "uncertain" if self._unread or self._ledger.ended else "not_found"

    def _provenance(self) -> Provenance:
        engine, facts, ended = self._ctx.engine, facts_of(self._source), self._ledger.ended
        looked = [replace(e, span=self._tail.cut(e.span)) for e in self._ledger.looked]
        seen_s = sum(each.span.length_s for each in looked)
        hull = Span(looked[0].span.start_s, looked[-1].span.end_s) if looked else Span(0.0, 0.0)
        told = engine.familiar is not None and len(looked) > 0
        familiar = 2 * self._strange <= len(looked) if told else None
        return Provenance(
            video=facts,
            coverage=Coverage(
                span=hull,
                fraction=seen_s / facts.duration_s if facts.duration_s else 1.0,
                unreadable_from_s=self._tail.from_s,
                looked=tuple(looked) if len(looked) > 1 else (),
            ),
            passes=tuple(self._ledger.passes),
            model=engine.identity,
            reply="\n".join(self._replies),
            reply_kind="events",
            cache=self._ledger.cache(),
            timings=dict(self._clock.seconds),
            familiar=familiar,
            ended_early=ended,
            notes=notes_of(
                engine.identity,
                facts.kind,
                familiar=familiar,
                unreadable_from_s=self._tail.from_s,
                ended=ended,
                about=self._about(),
                kept=self._ledger.notes,
            ),
        )

    def _about(self) -> list[str]:
        notes = []
        if self._unread:
            notes.append(f"Windows whose description could not be read: {self._unread}.")
        if self._cut:
            notes.append(f"Windows whose description reached its length limit: {self._cut}.")
        return notes
