"""The same questions put to video files, through the whole product and not the network alone.

In: a checkpoint folder and drawn clips. Out: answers to be scored as those to drawn frames are. A
file is 448 pixels a side at 25 frames a second in H.264; the product probes it, plans what to read,
decodes, asks, and reads the reply, as it does with a user's own file.
"""

from __future__ import annotations

from pathlib import Path

from vidqa.session import Session, open_session
from vidqa_nano.clips import Clips
from vidqa_nano.film import FAST, write_film
from vidqa_nano.phrases import canonical
from vidqa_nano.queries import Query, Seen
from vidqa_nano.rows import Choose, luck_of, picked, watched_events
from vidqa_nano.scores import Answered
from vidqa_nano.world import Story

CRF = 23
"""x264's own default quality."""


def filmed(weights: Path, folder: Path, clips: Clips, count: int, choose: Choose) -> list[Answered]:
    """As :func:`vidqa_nano.rows.grounded`, of files that are written to ``folder`` one by one."""
    session = open_session(model=str(weights), cache=False, threads=1)
    answers: list[Answered] = []
    for index in range(min(count, len(clips))):
        events = watched_events(clips, index)
        queries = picked(choose(events), luck_of(index))
        if queries:
            answers += _asked(session, folder, clips.stories[index], index, events, queries)
    return answers


def _asked(
    session: Session,
    folder: Path,
    story: Story,
    index: int,
    events: list[Seen],
    queries: list[Query],
) -> list[Answered]:
    path = folder / "clip.mp4"
    write_film(story, path, quality=CRF, effort=FAST)
    texts = [canonical(query.kind, query.colour) for query in queries]
    found = session.ground_many(path, texts)
    path.unlink()
    return [
        Answered(
            index,
            story.duration_s,
            text,
            query.spans(events),
            [(span.start_s, span.end_s) for span in result.spans],
        )
        for text, query, result in zip(texts, queries, found, strict=True)
    ]
