"""Says what happens in a story: its events in order, in their canonical phrases."""

from __future__ import annotations

from vidqa_nano.phrases import BY_NAME, canonical
from vidqa_nano.world import Event, Story


def caption(story: Story) -> str:
    """As in ``person in red opens door, then blue ball bounces``."""
    return ", then ".join(event_phrase(event) for event in story.events)


def event_phrase(event: Event) -> str:
    """The phrase that asks for an event by kind and colour."""
    return canonical(BY_NAME[event.kind], event.colour)
