"""Weights as bytes: how small, how exact, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from qwen25vl import CheckpointError, ModelConfig, Qwen25VL, load_model, save_model
from qwen25vl.quantize import ByteLinear, is_quantized, quantize, weight_bytes
from qwen25vl.shapes import SHAPES

Make = Callable[..., Qwen25VL]
Config = Callable[..., ModelConfig]


@pytest.mark.parametrize("rows", [1, 64, 65])
@pytest.mark.parametrize("inputs", [32, 50, 72, 3420])  # all but 32 would crash torch's kernel
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_bytes_times_scales_are_the_product(rows: int, inputs: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(inputs, 7).to(dtype)
    layer = ByteLinear(linear.weight, linear.bias, "int8")
    x = torch.randn(2, rows, inputs, dtype=dtype)[:1]
    weight = layer.weight_OI.double() * layer.scale_O.double()[:, None]
    wanted = x.double() @ weight.T + linear.bias.double()
    got = layer(x)
    assert got.dtype == dtype
    assert got.shape == wanted.shape
    assert (got - wanted).abs().max() <= 0.02 * wanted.abs().max()


@pytest.mark.parametrize(("kind", "steps"), [("int8", 1 / 254), ("fp8", 1 / 16)])
def test_no_weight_moves_further_than_half_a_step(kind: str, steps: float) -> None:
    torch.manual_seed(0)
    weight = torch.randn(9, 40)
    layer = ByteLinear(weight, None, kind)  # type: ignore[arg-type]
    back = layer.weight_OI.float() * layer.scale_O[:, None]
    assert layer.weight_OI.itemsize == 1
    assert ((back - weight).abs().amax(1) <= 1.0001 * steps * weight.abs().amax(1)).all()


def test_a_row_of_zeros_stays_zero() -> None:
    layer = ByteLinear(torch.zeros(2, 32), None, "int8")
    assert layer(torch.ones(1, 32)).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("tied", [False, True])
def test_only_the_layers_of_decoder_and_tower_become_bytes(
    make_model: Make, make_config: Config, tied: bool
) -> None:
    model = make_model(make_config(tied=tied))
    table, before = model.text.embed_tokens.weight, weight_bytes(model)
    taken = [
        module
        for part in (model.text.layers, model.vision.blocks)
        for module in part.modules()
        if isinstance(module, nn.Linear)
    ]
    weights = sum(layer.weight.numel() for layer in taken)
    scales = sum(layer.out_features for layer in taken)
    quantize(model, "int8")
    assert sum(isinstance(module, ByteLinear) for module in model.modules()) == len(taken)
    assert before - weight_bytes(model) == 3 * weights - 4 * scales
    assert model.text.embed_tokens.weight is table
    assert (model.lm_head.weight is table) is tied


def test_loading_as_bytes_is_loading_and_then_making_bytes(
    make_model: Make, make_config: Config, tmp_path: Path
) -> None:
    whole = make_model(make_config())
    save_model(whole, tmp_path, stop_ids=[3])
    loaded = load_model(tmp_path, quantized="int8")
    quantize(whole, "int8")
    wanted = whole.state_dict()
    got = loaded.state_dict()
    assert got.keys() == wanted.keys()
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)


def test_the_largest_model_as_bytes_fits_one_card() -> None:
    with torch.device("meta"):
        model = Qwen25VL(SHAPES["72b"]).to(torch.bfloat16)
    whole = weight_bytes(model)
    quantize(model, "int8")
    assert whole > 141e9
    assert 70e9 < weight_bytes(model) <= 80e9


def test_8_bit_floats_on_a_cpu_are_refused(make_model: Make, make_config: Config) -> None:
    model = make_model(make_config())
    with pytest.raises(CheckpointError, match="fp8 weights are for CUDA") as caught:
        quantize(model, "fp8")
    assert caught.value.next_step == "use int8 on the CPU"
    assert not is_quantized(model)


def test_bytes_are_not_made_of_bytes(make_model: Make, make_config: Config) -> None:
    model = make_model(make_config())
    quantize(model, "int8")
    with pytest.raises(CheckpointError, match="bytes already"):
        quantize(model, "int8")


def test_bytes_cannot_be_saved(make_model: Make, make_config: Config, tmp_path: Path) -> None:
    model = make_model(make_config())
    quantize(model, "int8")
    with pytest.raises(CheckpointError, match="quantised"):
        save_model(model, tmp_path, stop_ids=[3])
    assert not list(tmp_path.iterdir())
