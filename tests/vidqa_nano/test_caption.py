"""A caption lists what happens in order."""

from __future__ import annotations

from vidqa_nano.caption import caption
from vidqa_nano.directing import scene_for
from vidqa_nano.world import Event, Shot, Story, rng_for


def test_a_caption_names_the_events_in_order_with_their_colours() -> None:
    scene = scene_for(rng_for("train", 0), 20.0, 0)
    scene.actors[0].events += [
        Event(4.0, 6.0, "ball_bounces", "ball0", "blue"),
        Event(1.0, 3.0, "person_opens_door", "person0", "red"),
        Event(9.0, 12.0, "lamp_turns_on", "lamp"),
    ]
    assert caption(Story((Shot(0.0, scene),), 20.0)) == (
        "person in red opens door, then blue ball bounces, then lamp turns on"
    )
