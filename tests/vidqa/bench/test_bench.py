"""The bench adds up, scales honestly, and runs on the smallest network there is."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from qwen25vl import Qwen25VL
from qwen25vl import counting as count
from vidqa.bench import Report, Subject, Work, bench_model, find_subject
from vidqa.bench import stopwatch as stopwatch_module
from vidqa.bench.measure import whole_seconds
from vidqa.bench.report import Stage
from vidqa.bench.stopwatch import Stopwatch
from vidqa.bench.subject import random_model
from vidqa.cli.bench import parse_size
from vidqa.cli.main import app
from vidqa.errors import ModelError, SettingsError

SMALL = Work(frames=3, height=56, width=84, prompt=5, tokens=4, rounds=2)
ARGS = ["--frames", "2", "--size", "56x56", "--prompt", "3", "--tokens", "2", "--rounds", "1"]


@pytest.fixture(autouse=True)
def small_ceilings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products and copies of no size: their rates are not what is tested."""
    monkeypatch.setattr(stopwatch_module, "_PRODUCT", {"cpu": 8})
    monkeypatch.setattr(stopwatch_module, "_COPIED", {"cpu": 64})


@pytest.fixture
def nano() -> Subject:
    return find_subject(device="cpu", dtype="float32")


def ticking(step_s: float = 0.5) -> Stopwatch:
    """Every call of the clock is ``step_s`` after the one before."""
    ticks = itertools.count()
    return Stopwatch("cpu", clock=lambda: next(ticks) * step_s)


def test_the_median_round_counts_and_the_first_run_does_not():
    readings = iter([0.0, 5.0, 10.0, 11.0, 20.0, 23.0])
    runs: list[None] = []
    watch = Stopwatch("cpu", clock=lambda: next(readings))
    assert watch.median(lambda: runs.append(None), rounds=3) == 3.0
    assert len(runs) == 4


def test_a_stage_is_bound_by_the_slower_of_work_and_memory():
    stage = Stage(
        name="tower", flops=600, bytes=100, seconds=4.0, flops_per_s=200.0, bytes_per_s=50.0
    )
    assert (stage.limit_s, stage.bound_by, stage.share) == (3.0, "FLOPs", 0.75)
    read = replace(stage, bytes=200)
    assert (read.limit_s, read.bound_by, read.share) == (4.0, "bytes", 1.0)


def test_layers_are_scaled_and_what_surrounds_them_is_not():
    assert whole_seconds(1.0, (28, 2, 1.5)) == 1.0 + 28 * 0.25
    assert whole_seconds(1.0, (28, 2, 1.5), (4, 2, 2.0)) == 1.0 + 28 * 0.25 + 4 * 0.5
    assert whole_seconds(1.0, (28, 2, 0.9), (0, 2, 9.0)) == 1.0


def test_the_report_adds_up_on_a_clock_of_its_own(nano):
    report = bench_model(nano, SMALL, ticking())
    names = [stage.name for stage in report.stages]
    assert names == ["preprocess", "tower", "prefill", "decode"]
    assert [stage.seconds for stage in report.stages] == [0.5, 0.5, 0.5, 0.125]
    assert report.seconds == 3 * 0.5 + 4 * 0.125
    assert report.limit_s == pytest.approx(
        sum(stage.limit_s for stage in report.stages[:3]) + 4 * report.stages[3].limit_s
    )
    assert {stage.flops_per_s for stage in report.stages} == {2 * 8**3 / 0.5}
    assert {stage.bytes_per_s for stage in report.stages} == {2 * 64 / 0.5}


def test_the_report_counts_the_network_and_the_input_it_was_given(nano):
    report = bench_model(nano, SMALL, ticking())
    config, grid = nano.config, SMALL.grid(nano.config.vision)
    assert tuple(grid) == (2, 4, 6)
    assert (report.video_tokens, report.prompt_tokens, report.new_tokens) == (12, 5, 4)
    preprocess, tower, prefill, decode = report.stages
    assert (preprocess.flops, preprocess.bytes) == (0, 56 * 84 * 3 * (3 + 4 * 4))
    assert tower.flops == count.tower_flops(config.vision, [grid]).total
    assert prefill.flops == count.prefill_flops(config.text, 17).total
    assert decode.bytes == count.decode_bytes(config.text, 19, 4)
    assert report.cache_bytes == 21 * count.kv_bytes_per_token(config.text, 4)
    assert (report.random_weights, report.layers) == (False, "")


def test_some_layers_of_a_network_are_said_to_be_some(nano):
    report = bench_model(find_subject(layers=1, device="cpu"), SMALL, ticking())
    whole = bench_model(nano, SMALL, ticking())
    assert report.layers == "1 of 5 decoder layers and 1 of 3 tower blocks measured, scaled"
    assert report.random_weights
    assert [stage.flops for stage in report.stages] == [stage.flops for stage in whole.stages]
    assert report.weight_bytes < whole.weight_bytes
    # Each kind of run takes one tick, with and without layers: nothing is left to scale.
    assert [stage.seconds for stage in report.stages] == [0.5, 0.5, 0.5, 0.125]


@pytest.mark.parametrize("layers", [None, 2])
def test_any_config_is_run_with_weights_made_up_in_memory(layers, nano, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(nano.config.to_json()))
    subject = find_subject(config=path, layers=layers, device="cpu", dtype="bfloat16")
    report = bench_model(subject, SMALL)
    assert (report.model, report.dtype, report.random_weights) == ("mine", "bfloat16", True)
    assert report.parameters == count.parameters(nano.config)
    assert report.weight_bytes == 2 * count.parameters(subject.measured)
    assert all(stage.seconds > 0 for stage in report.stages)


def test_random_networks_say_something_finite_and_tie_what_is_tied(nano):
    model = random_model(nano.config, "cpu", torch.float32)
    assert isinstance(model, Qwen25VL)
    assert model.lm_head.weight is model.text.embed_tokens.weight
    positions = torch.arange(4).expand(3, 1, 4)
    with torch.no_grad():
        assert model(torch.tensor([[1, 2, 3, 4]]), positions).isfinite().all()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"shape": "8b"}, "shape_unknown"),
        ({"shape": "3b", "model": "nano"}, "subject_ambiguous"),
        ({"layers": 4}, "layers_impossible"),
        ({"model": "nobody"}, "model_unknown"),
        ({"config": Path("no-such.json")}, "model_failed"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(given, code):
    with pytest.raises((SettingsError, ModelError)) as caught:
        find_subject(**given)
    assert caught.value.code == code


def test_a_network_larger_than_memory_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr("vidqa.bench.subject._memory_bytes", lambda device: 10**9)
    subject = find_subject(shape="72b", device="cpu")
    with pytest.raises(ModelError, match=r"293\.6 GB of weights for 1\.0 GB") as caught:
        subject.load()
    assert (caught.value.code, "--layers 2" in caught.value.next_step) == ("memory_short", True)


@pytest.mark.parametrize("size", [(57, 56), (0, 56), (56, 14)])
def test_frames_that_are_no_whole_tokens_are_refused(size, nano):
    work = replace(SMALL, height=size[0], width=size[1])
    with pytest.raises(SettingsError, match="no whole number of 28x28 tokens"):
        work.grid(nano.config.vision)


@pytest.mark.parametrize("text", ["56", "56x", "x56", "56x56x3", "-56x56", "56.0x56"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(SettingsError, match="no frame size"):
        parse_size(text)


def test_a_size_is_height_then_width():
    assert parse_size("56X112") == (56, 112)


def test_the_command_runs_nano_and_prints_a_narrow_table():
    done = CliRunner().invoke(app, ["bench", "model", "--model", "nano", *ARGS])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    starts = [line.partition(" ")[0] for line in lines]
    assert [
        name for name in ("preprocess", "tower", "prefill", "decode") if name not in starts
    ] == []


def test_the_json_holds_every_number_of_the_table():
    done = CliRunner().invoke(app, ["bench", "model", "--json", *ARGS])
    value = json.loads(done.stdout)
    assert set(value) == {*Report.__dataclass_fields__, "seconds", "limit_s"}
    assert [sorted(stage) for stage in value["stages"]] == [
        sorted([*Stage.__dataclass_fields__, "limit_s", "bound_by", "share"])
    ] * 4
    assert (value["frames"], value["height"], value["width"], value["rounds"]) == (2, 56, 56, 1)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--size", "large"], "size_unreadable"),
        (["--size", "57x57"], "size_uneven"),
        (["--shape", "1b"], "shape_unknown"),
    ],
)
def test_a_wrong_option_exits_with_two_and_says_which(args, code):
    done = CliRunner().invoke(app, ["bench", "model", *args])
    assert (done.exit_code, done.stdout, code in done.stderr) == (2, "", True)
