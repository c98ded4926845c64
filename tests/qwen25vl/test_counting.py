"""Counts against published tables of the four official shapes, to every digit they print."""

from __future__ import annotations

import pytest
import torch

from qwen25vl import Grid, Qwen25VL
from qwen25vl.counting import (
    decode_bytes,
    decode_flops,
    kv_bytes_per_token,
    parameters,
    prefill_bytes,
    prefill_flops,
    preprocess_bytes,
    tower_bytes,
    tower_flops,
    weights_read,
)
from qwen25vl.shapes import SHAPES

SIZES = ("3b", "7b", "32b", "72b")
TERA, GIGA, BF16 = 1e12, 1e9, 2
FULL = Grid(384, 16, 16)  # 768 frames of 224 x 224: 24,576 vision tokens
PROMPT = 24_576 + 200


def printed(values: list[float], digits: int) -> list[float]:
    return [round(value, digits) for value in values]


@pytest.mark.parametrize(
    ("part", "digits", "tera"),
    [
        ("patch_embed", 2, [0.30, 0.30, 0.30, 0.30]),
        ("linear", 1, [123.9, 123.9, 124.7, 124.7]),
        ("window_attention", 2, [0.90, 0.90, 0.90, 0.90]),
        ("full_attention", 2, [0.52, 0.52, 0.52, 0.52]),
        ("merger", 2, [1.80, 2.19, 2.58, 3.35]),
        ("total", 1, [127.4, 127.8, 129.0, 129.8]),
    ],
)
def test_the_tower_at_24576_tokens(part, digits, tera):
    flops = [tower_flops(SHAPES[size].vision, [FULL]) for size in SIZES]
    assert printed([getattr(one, part) / TERA for one in flops], digits) == tera


@pytest.mark.parametrize(
    ("part", "digits", "tera"),
    [
        ("linear", 1, [137.5, 323.3, 1546.3, 3479.2]),
        ("attention", 1, [90.5, 123.2, 402.3, 804.6]),
        ("lm_head", 4, [0.0006, 0.0011, 0.0016, 0.0025]),
        ("total", 1, [228.0, 446.5, 1948.6, 4283.8]),
    ],
)
def test_a_prompt_of_24776_tokens(part, digits, tera):
    flops = [prefill_flops(SHAPES[size].text, PROMPT) for size in SIZES]
    assert printed([getattr(one, part) / TERA for one in flops], digits) == tera


@pytest.mark.parametrize(
    ("grid", "digits", "tower", "text", "both"),
    [
        (FULL, 1, [127.4, 127.8, 129.0, 129.8], [228.0, 446.5, 1948.6, 4283.8],
         [355.4, 574.3, 2077.6, 4413.6]),
        (Grid(384, 12, 20), 1, [119.2, 119.5, 120.7, 121.4], [208.6, 411.7, 1804.4, 3971.4],
         [327.8, 531.2, 1925.1, 4092.9]),
        (Grid(384, 10, 18), 1, [89.3, 89.6, 90.5, 91.0], [142.1, 289.5, 1291.2, 2855.2],
         [231.4, 379.0, 1381.7, 2946.2]),
        (Grid(384, 24, 46), 1, [556.5, 558.2, 563.6, 567.0], [2251.8, 3648.7, 14016, 29690],
         [2808.3, 4206.9, 14580, 30256]),
    ],
)  # fmt: skip
def test_four_operating_points_with_200_tokens_of_text(grid, digits, tower, text, both):
    vision = [tower_flops(SHAPES[size].vision, [grid]).total / TERA for size in SIZES]
    tokens = grid.patches // 4 + 200
    prefill = [prefill_flops(SHAPES[size].text, tokens).total / TERA for size in SIZES]
    sums = [a + b for a, b in zip(vision, prefill, strict=True)]
    for found, table in ((vision, tower), (prefill, text), (sums, both)):
        for one, wanted in zip(found, table, strict=True):
            rounded = round(one, digits)
            # The table went by way of one decimal: 29,689.484 to 29,689.5 to 29,690.
            assert (round(rounded) if wanted > 10_000 else rounded) == wanted


def test_what_one_new_token_costs_behind_24776():
    texts = [SHAPES[size].text for size in SIZES]
    assert [kv_bytes_per_token(text, BF16) for text in texts] == [36_864, 57_344, 262_144, 327_680]
    caches = [PROMPT * kv_bytes_per_token(text, BF16) / GIGA for text in texts]
    assert printed(caches, 3) == [0.913, 1.421, 6.495, 8.119]
    weights = [weights_read(text, BF16) / GIGA for text in texts]
    assert printed(weights, 2) == [6.17, 14.14, 63.97, 142.92]
    moved = [decode_bytes(text, PROMPT, BF16) / GIGA for text in texts]
    assert printed(moved, 2) == [7.08, 15.56, 70.46, 151.04]
    flops = [decode_flops(text, PROMPT).total / GIGA for text in texts]
    assert printed(flops, 1) == [13.5, 24.1, 96.4, 207.9]


@pytest.mark.parametrize(
    ("tokens", "gigabytes", "milliseconds"),
    [
        (24_776, [0.913, 1.421, 6.495, 8.119], [1.65, 3.62, 16.39, 35.12]),
        (17_480, [0.644, 1.002, 4.582, 5.728], [1.59, 3.52, 15.94, 34.57]),
        (106_184, [3.91, 6.09, 27.8, 34.8], [2.35, 4.70, 21.35, 41.33]),
    ],
)
def test_the_cache_and_the_time_of_a_token_at_4300_gigabytes_a_second(
    tokens, gigabytes, milliseconds
):
    for size, cache, time_ms in zip(SIZES, gigabytes, milliseconds, strict=True):
        text = SHAPES[size].text
        digits = len(str(cache).partition(".")[2])
        assert round(tokens * kv_bytes_per_token(text, BF16) / GIGA, digits) == cache
        assert round(decode_bytes(text, tokens, BF16) / 4.3e9, 2) == time_ms


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ("3b", 3_754_622_976),
        ("7b", 8_292_166_656),
        ("32b", 33_452_718_336),
        ("72b", 73_410_777_344),
    ],
)
def test_parameters_are_those_of_the_published_files_and_of_the_network(size, count):
    with torch.device("meta"):
        network = Qwen25VL(SHAPES[size])
    assert parameters(SHAPES[size]) == sum(one.numel() for one in network.parameters()) == count


def test_windows_at_the_edges_hold_less(make_config):
    """7 x 5 merge units: windows of 4x4, 4x1, 3x4 and 3x1, four patches a unit."""
    config = make_config(full=()).vision
    wanted = sum((4 * rows * columns) ** 2 for rows in (4, 3) for columns in (4, 1))
    flops = tower_flops(config, [Grid(3, 14, 10), Grid(1, 14, 10)])
    assert flops.window_attention == 4 * config.hidden_size * 4 * wanted * config.depth
    assert flops.full_attention == 0


def test_bytes_of_a_stage_are_its_weights_inputs_and_outputs_once(make_config):
    config, itemsize = make_config(), 2
    vision, text, grid = config.vision, config.text, Grid(2, 4, 4)
    assert preprocess_bytes(vision, 3, 56, 56) == (3 + 4 * 4) * 56 * 56 * 3
    tower = Qwen25VL(config).vision
    matrices = sum(one.numel() for one in tower.parameters() if one.ndim == 2)
    assert (
        tower_bytes(vision, [grid], itemsize)
        == 32 * 1176 * 4 + (matrices + 8 * text.hidden_size) * itemsize
    )
    per_token = text.hidden_size * itemsize + kv_bytes_per_token(text, itemsize)
    assert prefill_bytes(text, 10, itemsize) == weights_read(text, itemsize) + 10 * per_token
