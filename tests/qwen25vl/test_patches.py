"""Frames to patches: order, arithmetic, padding, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers import allow_torchvision
from qwen25vl import Grid, PromptError, patchify
from qwen25vl.patches import MEAN, STD


def counted_frames(frames: int, height: int, width: int) -> torch.Tensor:
    values = torch.arange(frames * height * width * 3, dtype=torch.int64) % 251
    return values.to(torch.uint8).view(frames, height, width, 3)


@pytest.mark.parametrize(("frames", "height", "width"), [(2, 28, 28), (4, 56, 84), (6, 84, 28)])
def test_every_number_is_where_the_closed_form_puts_it(frames, height, width, make_config):
    rgb = counted_frames(frames, height, width)
    patches, grid = patchify(rgb, make_config().vision)
    assert grid == Grid(frames // 2, height // 14, width // 14)
    mean, std = 255 * torch.tensor(MEAN), 255 * torch.tensor(STD)
    normal = ((rgb.float() - mean) / std).permute(0, 3, 1, 2)
    blocks = normal.reshape(grid.t, 2, 3, grid.h // 2, 2, 14, grid.w // 2, 2, 14)
    expected = blocks.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(-1, 1176)
    assert torch.equal(patches, expected)


def test_one_number_traced_by_hand(make_config):
    rgb = torch.zeros(4, 56, 84, 3, dtype=torch.uint8)
    # Frame 3 is the second of pair 1; row 33 is block row 1, patch row 0 in it, line 5;
    # column 59 is block column 2, patch column 0, dot 3; green is channel 1.
    rgb[3, 33, 59, 1] = 255
    patches, _ = patchify(rgb, make_config().vision)
    row = 1 * 24 + (1 * 3 + 2) * 4 + 0 * 2 + 0
    offset = 1 * 392 + 1 * 196 + 5 * 14 + 3
    bright = torch.tensor((1 - MEAN[1]) / STD[1])
    assert patches[row, offset] == pytest.approx(bright.item(), abs=1e-6)
    assert (patches > bright - 1e-3).sum() == 1


@given(data=st.data(), pairs=st.integers(1, 3), h=st.integers(1, 3), w=st.integers(1, 3))
def test_any_number_is_at_the_published_row_and_offset(data, pairs, h, w, make_config):
    t, dt, c = (data.draw(st.integers(0, n - 1)) for n in (pairs, 2, 3))
    y, x = data.draw(st.integers(0, 28 * h - 1)), data.draw(st.integers(0, 28 * w - 1))
    rgb = torch.zeros(2 * pairs, 28 * h, 28 * w, 3, dtype=torch.uint8)
    dark, _ = patchify(rgb, make_config().vision)
    rgb[2 * t + dt, y, x, c] = 200
    lit, _ = patchify(rgb, make_config().vision)
    # Rows run over pairs, blocks and the four patches of a block; numbers over colours and frames.
    row = ((t * h + y // 28) * w + x // 28) * 4 + y // 14 % 2 * 2 + x // 14 % 2
    offset = c * 392 + dt * 196 + y % 14 * 14 + x % 14
    assert (lit != dark).nonzero().tolist() == [[row, offset]]


@pytest.fixture(scope="module")
def processors() -> tuple[Any, Any]:
    """transformers' processors of videos and images, resizing left out: ours does that before."""
    if not allow_torchvision():
        pytest.skip("transformers' processors need torchvision")
    with warnings.catch_warnings():
        # Third-party import time warnings (deprecated aliases inside its dependencies).
        warnings.simplefilter("ignore")
        transformers = pytest.importorskip("transformers", reason="parity needs transformers")
        video = transformers.Qwen2VLVideoProcessor
        image = transformers.Qwen2VLImageProcessor
    transformers.logging.set_verbosity_error()
    return video(do_sample_frames=False, do_resize=False, cap_pixels_per_frame=False), image(
        do_resize=False
    )


def every_level(frames: int, height: int, width: int) -> torch.Tensor:
    """Random frames in which every colour takes each of its 256 levels."""
    source = torch.Generator().manual_seed(frames)
    rgb = torch.randint(0, 256, (frames, height, width, 3), generator=source, dtype=torch.uint8)
    rgb.view(-1, 3)[:256] = torch.arange(256, dtype=torch.uint8)[:, None]
    return rgb


@pytest.mark.parametrize("frames", [1, 2, 5, 8])
def test_a_video_is_transformers_to_the_bit(frames, processors, make_config):
    rgb = every_level(frames, 56, 84)
    ours, grid = patchify(rgb, make_config().vision)
    theirs = processors[0](videos=[rgb.permute(0, 3, 1, 2)], return_tensors="pt")
    assert theirs["video_grid_thw"].tolist() == [list(grid)]
    assert torch.equal(ours, theirs["pixel_values_videos"])


@pytest.mark.parametrize(("height", "width"), [(28, 28), (84, 140)])
def test_an_image_is_transformers_to_the_bit(height, width, processors, make_config):
    rgb = every_level(1, height, width)
    ours, grid = patchify(rgb, make_config().vision)
    theirs = processors[1](images=[rgb[0].permute(2, 0, 1)], return_tensors="pt")
    assert theirs["image_grid_thw"].tolist() == [list(grid)] == [[1, height // 14, width // 14]]
    assert torch.equal(ours, theirs["pixel_values"])


def test_an_image_is_a_pair_of_itself(make_config):
    rgb = every_level(1, 28, 56)
    patches, grid = patchify(rgb, make_config().vision)
    first, second = patches.view(-1, 3, 2, 196).unbind(2)
    assert grid == Grid(1, 2, 4)
    assert torch.equal(first, second)


def test_black_and_white_are_the_published_extremes(make_config):
    rgb = torch.zeros(2, 28, 28, 3, dtype=torch.uint8)
    rgb[1] = 255
    patches, _ = patchify(rgb, make_config().vision)
    colours = patches.view(-1, 3, 2, 196)
    assert colours[0, :, 0, 0].tolist() == pytest.approx(
        [-1.792263, -1.752097, -1.480220], abs=1e-6
    )
    assert colours[0, :, 1, 0].tolist() == pytest.approx([1.930336, 2.074883, 2.145897], abs=1e-6)


def test_a_last_frame_without_partner_is_paired_with_itself(make_config):
    rgb = counted_frames(3, 28, 28)
    twice = torch.cat([rgb, rgb[-1:]])
    odd, grid = patchify(rgb, make_config().vision)
    even, _ = patchify(twice, make_config().vision)
    assert grid == Grid(2, 2, 2)
    assert torch.equal(odd, even)


def test_frames_need_not_be_contiguous(make_config):
    rgb = counted_frames(2, 28, 56)
    flipped = rgb.flip(2)
    mirrored = flipped.transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(
        patchify(mirrored, make_config().vision)[0], patchify(flipped, make_config().vision)[0]
    )


@pytest.mark.parametrize(
    "frames",
    [
        torch.zeros(2, 28, 28, 3),
        torch.zeros(2, 3, 28, 28, dtype=torch.uint8),
        torch.zeros(2, 28, 42, 3, dtype=torch.uint8),
        torch.zeros(0, 28, 28, 3, dtype=torch.uint8),
        torch.zeros(28, 28, 3, dtype=torch.uint8),
    ],
    ids=["float", "channels first", "width 42", "no frames", "one picture"],
)
def test_other_frames_are_refused(frames, make_config):
    with pytest.raises(PromptError):
        patchify(frames, make_config().vision)


@pytest.mark.parametrize("chunk", [1, 3000, 20_000])
def test_the_size_of_the_pieces_changes_nothing(chunk, make_config, monkeypatch):
    rgb = counted_frames(6, 84, 56)
    whole, _ = patchify(rgb, make_config().vision)
    monkeypatch.setattr("qwen25vl.patches.CHUNK_BYTES", chunk)
    assert torch.equal(patchify(rgb, make_config().vision)[0], whole)
