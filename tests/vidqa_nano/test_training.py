"""Training: losses fall, and a run that was killed goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from qwen25vl import load_model, load_stop_ids
from vidqa_nano.clips import Clips
from vidqa_nano.losses import Weights, all_losses
from vidqa_nano.publish import publish
from vidqa_nano.trainer import Recipe, Run, weighted

RECIPE = Recipe(vision_steps=2, steps=8, batch=2, vision_batch=2, questions=2, warmup=1, rate=3e-3)


def test_steps_on_one_batch_lower_every_loss(clips: Clips) -> None:
    run = Run(RECIPE, clips)
    batch = run.batch(3)

    def losses() -> dict[str, torch.Tensor]:
        return all_losses(run.model, run.helpers, batch)

    before = {name: loss.item() for name, loss in losses().items()}
    for _ in range(8):
        run.optimiser.zero_grad()
        weighted(losses(), Weights()).backward()  # type: ignore[no-untyped-call]
        run.optimiser.step()
    after = {name: loss.item() for name, loss in losses().items()}
    assert all(after[name] < before[name] for name in before)


def test_stage_one_trains_the_tower_only(clips: Clips) -> None:
    run = Run(RECIPE, clips)
    text = run.model.text.layers[0].mlp.up_proj.weight.clone()
    tower = run.model.vision.blocks[0].mlp.up_proj.weight.clone()
    assert set(run.advance()) == {"seen", "total", "norm", "rate"}
    assert torch.equal(text, run.model.text.layers[0].mlp.up_proj.weight)
    assert not torch.equal(tower, run.model.vision.blocks[0].mlp.up_proj.weight)


def test_a_resumed_run_is_the_run_that_was_not_stopped(clips: Clips, tmp_path: Path) -> None:
    whole = Run(RECIPE, clips)
    for _ in range(3):
        whole.advance()
    whole.save(tmp_path / "run.pt")
    lines = [whole.advance() for _ in range(2)]
    again = Run.resume(tmp_path / "run.pt", clips)
    assert [again.advance() for _ in range(2)] == lines
    for a, b in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_rate_warms_up_in_each_stage_and_ends_low(clips: Clips) -> None:
    run = Run(Recipe(vision_steps=100, steps=300, warmup=50, rate=1e-3, last_rate=1e-5), clips)

    def rate(step: int) -> float:
        run.step = step
        return run.rate()

    assert rate(0) == pytest.approx(1e-3 / 50)
    assert rate(99) == pytest.approx(1e-3)
    assert rate(100) == pytest.approx(1e-3 / 50)
    assert rate(200) == pytest.approx((1e-3 + 1e-5) / 2)
    assert rate(299) < 2e-5


def test_a_published_folder_loads_as_any_checkpoint(clips: Clips, tmp_path: Path) -> None:
    run = Run(RECIPE, clips)
    publish(run.model, run.tokenizer, tmp_path)
    model = load_model(tmp_path)
    for a, b in zip(run.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert load_stop_ids(tmp_path)[0] == run.packer.end
