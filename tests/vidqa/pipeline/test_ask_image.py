"""Asking about an image, and marks: model pixels become source pixels on the right frame."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from tests.scripted_engine import context_saying
from vidqa.chat import Image, Video
from vidqa.errors import VideoError
from vidqa.pipeline.ask import ask
from vidqa.pipeline.ground import ground
from vidqa.pipeline.marks import to_source
from vidqa.pipeline.verify import verify
from vidqa.sampling import Budget, plan_image

SIDES = st.integers(28, 8192)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """100 x 80 on disk, 80 x 100 displayed, its bottom left corner red as displayed."""
    image = Picture.new("RGB", (100, 80), "white")
    image.paste((255, 0, 0), (80, 60, 100, 80))  # bottom right; a turn clockwise takes it left
    exif = Picture.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.png"
    image.save(path, exif=exif)
    return path


def said(kind: str, xy: list[float], **more: object) -> str:
    return json.dumps([{f"{kind}_2d": xy, "label": "it", **more}])


def test_an_image_is_one_frame_at_zero_seconds(picture: Path) -> None:
    ctx, engine = context_saying("Red.")
    value = ask(picture, "Which colour?", ctx).to_dict()
    video, passes = value["video"], value["passes"]
    assert isinstance(video, dict)
    assert isinstance(passes, list)
    assert [video[key] for key in ("kind", "duration", "width", "height")] == [
        "image",
        0.0,
        80,
        100,
    ]
    assert value["coverage"] == {"start": 0.0, "end": 0.0, "fraction": 1.0}
    assert [(one["frames"], one["height"], one["width"]) for one in passes] == [(1, 112, 84)]
    places = [type(item) for item in engine.chats[0].turns[-1].content]
    assert (places.count(Image), places.count(Video)) == (1, 0)
    assert engine.frames_seen[0].shape == (2, 112, 84, 3)


def test_box_and_picture_agree_in_pixels_after_the_orientation(picture: Path) -> None:
    ctx, engine = context_saying("")
    ask(picture, "q", ctx)
    redness_HW = engine.frames_seen[0][0, :, :, 1] < 128
    rows, columns = np.flatnonzero(redness_HW.any(1)), np.flatnonzero(redness_HW.any(0))
    box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    ctx, _ = context_saying(said("bbox", [int(x) for x in box]))
    (mark,) = ask(picture, "q", ctx).marks
    assert mark.xy == pytest.approx((0, 80, 20, 100), abs=1.0)
    assert (mark.pts_s, mark.label) == (0.0, "it")


def test_a_box_over_the_edge_is_cut_and_one_beyond_is_left_out_and_told(picture: Path) -> None:
    boxes = [{"bbox_2d": xy} for xy in ([-5, 0, 500, 56], [90, 0, 99, 9], [5, 5, 5, 9])]
    ctx, _ = context_saying(json.dumps(boxes))
    result = ask(picture, "q", ctx)
    assert [mark.xy for mark in result.marks] == [(0.0, 0.0, 80.0, 50.0)]
    assert "empty or outside the picture were left out: 2" in result.provenance.notes[0]


def test_an_image_has_no_time_to_ground_or_to_cut(picture: Path) -> None:
    ctx, engine = context_saying("x")
    with pytest.raises(VideoError, match="an image has no time"):
        ground(picture, "q", ctx)
    with pytest.raises(VideoError, match="an image has no time"):
        verify(picture, "q", ctx)
    with pytest.raises(VideoError, match="an image has no time"):
        ask(picture, "q", ctx, start_s=1.0)
    assert engine.frames_seen == []


def test_further_pictures_of_a_file_are_told_of(tmp_path: Path) -> None:
    path, more = tmp_path / "a.webp", [Picture.new("RGB", (64, 64), "red")]
    Picture.new("RGB", (64, 64), "blue").save(path, save_all=True, append_images=more)
    ctx, _ = context_saying("Blue.")
    notes = ask(path, "q", ctx).provenance.notes
    assert notes == ("The file holds 2 pictures; only the first was looked at.",)


def test_a_mark_with_a_time_lies_on_the_nearest_frame_of_the_video(clip: Path) -> None:
    ctx, _ = context_saying(said("bbox", [0, 0, 56, 56], time="00:02.1"))
    result = ask(clip, "q", ctx, start_s=3.0)
    (mark,) = result.marks
    assert (mark.pts_s, mark.xy) == (5.0, (0.0, 0.0, 32.0, 32.0))
    assert mark.sha256 is not None
    assert result.answer == said("bbox", [0, 0, 56, 56], time="00:02.1")


def test_a_mark_without_a_time_lies_on_the_first_frame_of_the_evidence(clip: Path) -> None:
    reply = f"<answer>{said('point', [56, 28])}</answer><glue>[(4.0, 6.0)]</glue>"
    ctx, _ = context_saying(reply)
    (mark,) = ask(clip, "q", ctx).marks
    assert (mark.pts_s, mark.xy) == (4.0, (32.0, 16.0))


@pytest.mark.parametrize("more", [{}, {"time": 99}, {"time": -1}])
def test_a_mark_whose_frame_is_not_known_has_no_time(clip: Path, more: dict[str, float]) -> None:
    ctx, _ = context_saying(said("point", [56, 28], **more))
    (mark,) = ask(clip, "q", ctx).marks
    assert (mark.pts_s, mark.sha256) == (None, None)


@given(seen=st.tuples(SIDES, SIDES), source=st.tuples(SIDES, SIDES), data=st.data())
def test_a_source_pixel_comes_back_within_one_pixel_of_the_resized_frame(
    seen: tuple[int, int], source: tuple[int, int], data: st.DataObject
) -> None:
    point = [data.draw(st.integers(0, side)) for side in source]
    there = [round(x * seen[k] / source[k]) for k, x in enumerate(point)]
    back = to_source(there, seen, source)
    assert back is not None
    assert all(
        abs(a - b) * s / w <= 1 for a, b, s, w in zip(back, point, seen, source, strict=True)
    )


@given(
    seen=st.tuples(SIDES, SIDES),
    source=st.tuples(SIDES, SIDES),
    xy=st.lists(st.floats(-1e5, 1e5), min_size=4, max_size=4),
)
def test_a_mark_is_always_inside_the_source(
    seen: tuple[int, int], source: tuple[int, int], xy: list[float]
) -> None:
    for said_xy in (xy, xy[:2]):
        kept = to_source(said_xy, seen, source)
        assert kept is None or all(0 <= x <= source[k % 2] for k, x in enumerate(kept))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((14, 14), (56, 56)),
        ((98, 98), (112, 112)),
        ((480, 854), (476, 840)),
        ((720, 1280), (728, 1288)),
        ((2160, 3840), (2156, 3836)),
        ((10, 8000), (28, 8008)),
    ],
)
def test_an_image_is_resized_by_the_reference_rule(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    plan = plan_image(*size)
    assert (plan.height, plan.width) == expected


@given(high=st.integers(1, 8192), wide=st.integers(1, 8192), tokens=st.integers(16, 24_576))
def test_no_image_costs_more_than_the_budget(high: int, wide: int, tokens: int) -> None:
    plan = plan_image(high, wide, Budget(video_tokens=tokens))
    assert 1 <= plan.video_tokens <= min(tokens, 16_384)


def test_a_checkpoint_of_one_size_sees_images_at_that_size() -> None:
    plan = plan_image(500, 900, Budget(fixed_size=(56, 56)))
    assert (plan.height, plan.width, plan.video_tokens) == (56, 56, 4)
