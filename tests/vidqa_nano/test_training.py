"""Training: losses fall, and a run that was killed goes on as if it had not been."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from qwen25vl import ModelConfig, load_model, load_stop_ids
from vidqa_nano.clips import Clips
from vidqa_nano.config import nano_config
from vidqa_nano.labels import ACTING, CLASSES, EVENTS
from vidqa_nano.losses import Weights, all_losses, seen_weights
from vidqa_nano.make_tokenizer import make_tokenizer
from vidqa_nano.publish import publish
from vidqa_nano.queries import TRAINED
from vidqa_nano.recipe import Recipe
from vidqa_nano.team import Team
from vidqa_nano.trainer import Run

RECIPE = Recipe(
    vision_share=0.5,
    steps=8,
    tokens=500,
    vision_rows=16,
    questions=2,
    warmup=1,
    rate=1e-3,
    vision_rate=3e-3,
    longest=((0.0, 8.0),),
    half=False,
)


def test_steps_on_one_batch_lower_every_loss(clips: Clips) -> None:
    run = Run(RECIPE, clips)
    run.step = 4
    batch = run.packer.pack(run.pools.batch(4, run.course()))

    def losses() -> dict[str, torch.Tensor]:
        parts = all_losses(run.model, run.helpers, batch).parts
        return {name: part.sum / part.count for name, part in parts.items()}

    weights = {"reply": 1.0, "seen": 0.05, "seconds": 0.2, "active": 1.0, "looking": 0.3}
    before = {name: loss.item() for name, loss in losses().items()}
    for _ in range(8):
        run.optimiser.forget()
        torch.stack([weights[n] * loss for n, loss in losses().items()]).sum().backward()
        run.optimiser.step(3e-3, 3e-3)
    after = {name: loss.item() for name, loss in losses().items()}
    assert all(after[name] < before[name] for name in before)
    assert Weights().embed > 0


def test_an_event_that_is_on_counts_most() -> None:
    targets = torch.zeros(2, CLASSES)
    targets[0, 0], targets[0, 1], targets[1, 1], targets[:, EVENTS] = 1.0, 0.2, 1.0, 1.0
    weights = seen_weights(targets)
    assert TRAINED[0].colour is None
    assert TRAINED[1].colour is not None
    assert weights[0, :2].tolist() == pytest.approx([12.0, 0.9])
    assert weights[1, :2].tolist() == pytest.approx([3.0, 3.6])
    assert weights[:, EVENTS : CLASSES - len(ACTING)].unique().tolist() == [1.0]
    assert weights[:, CLASSES - len(ACTING) :].unique().tolist() == [3.0]


def test_stage_one_trains_the_tower_only(clips: Clips) -> None:
    run = Run(RECIPE, clips)
    text = run.model.text.layers[0].mlp.up_proj.weight.clone()
    tower = run.model.vision.blocks[0].mlp.up_proj.weight.clone()
    assert set(run.advance()) == {"seen", "total", "norm", "rate"}
    assert torch.equal(text, run.model.text.layers[0].mlp.up_proj.weight)
    assert not torch.equal(tower, run.model.vision.blocks[0].mlp.up_proj.weight)


def test_a_resumed_run_is_the_run_that_was_not_stopped(clips: Clips, tmp_path: Path) -> None:
    whole = Run(RECIPE, clips)
    for _ in range(5):
        whole.advance()
    whole.save(tmp_path / "run.pt")
    lines = [whole.advance() for _ in range(2)]
    again = Run.resume(tmp_path / "run.pt", clips)
    assert [again.advance() for _ in range(2)] == lines
    for a, b in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_timed_run_goes_on_from_the_time_it_had_used(clips: Clips, tmp_path: Path) -> None:
    run = Run(Recipe(minutes=10.0, tokens=500, vision_rows=16), clips)
    run.advance()
    run.elapsed_s = 150.0
    run.save(tmp_path / "run.pt")
    again = Run.resume(tmp_path / "run.pt", clips, changes={"clips": len(clips)})
    assert again.progress == 0.25
    again.advance()
    assert 150.0 < again.elapsed_s < 170.0


def _worker(rank: int, clips: Clips, folder: Path) -> None:
    torch.set_num_threads(1)
    team = Team.join(folder / "meeting", rank, 2)
    run = Run(RECIPE, clips, team)
    lines = [run.advance() for _ in range(6)]
    if team.leads:
        torch.save((lines, run.model.state_dict()), folder / "two.pt")
    team.leave()


def test_two_workers_are_one_worker(clips: Clips, tmp_path: Path) -> None:
    context = get_context("spawn")
    workers = [context.Process(target=_worker, args=(r, clips, tmp_path)) for r in (0, 1)]
    for worker in workers:
        worker.start()
    alone = Run(RECIPE, clips)
    lines = [alone.advance() for _ in range(6)]
    for worker in workers:
        worker.join()
    theirs, weights = torch.load(tmp_path / "two.pt")
    assert "embed" in lines[4]
    for mine, other in zip(lines, theirs, strict=True):
        assert mine == pytest.approx(other, rel=2e-3)
    for name, value in alone.model.state_dict().items():
        torch.testing.assert_close(weights[name], value, atol=2e-3, rtol=1e-2)


def test_the_rate_warms_up_in_each_stage_and_ends_low() -> None:
    recipe = Recipe(vision_share=0.25, warmup=50, vision_rate=2e-3, rate=1e-3, last_rate=1e-5)
    assert recipe.rate_at(0.0, 0) == pytest.approx(2e-3 / 50)
    assert recipe.rate_at(0.1, 99) == pytest.approx(2e-3)
    assert recipe.rate_at(0.1875, 99) == pytest.approx(1e-3)
    assert recipe.rate_at(0.2499, 99) == pytest.approx(2e-3 * 0.05)
    assert recipe.rate_at(0.25, 0) == pytest.approx(1e-3 / 50)
    assert recipe.rate_at(0.625, 900) == pytest.approx((1e-3 + 1e-5) / 2)
    assert recipe.rate_at(1.0, 2000) == pytest.approx(1e-5)


def test_windows_grow_with_the_run() -> None:
    recipe = Recipe(vision_share=0.2, longest=((0.0, 16.0), (0.5, 120.0)))
    assert [recipe.longest_s(done) for done in (0.0, 0.2, 0.59, 0.61)] == [16, 16, 16, 120]


def test_every_batch_of_a_pool_costs_about_the_same(clips: Clips) -> None:
    run = Run(Recipe(vision_share=0.0, tokens=2000, questions=4), clips)
    costs = [
        sum(run.pools.cost(s, 2) for s in run.pools.batch(step, run.course())) for step in range(4)
    ]
    assert min(costs) > 1000
    assert max(costs) < 4000


def test_times_slowest_clock_turns_once_in_half_an_hour() -> None:
    text = ModelConfig.from_json(nano_config(make_tokenizer())).text
    slowest = text.rope_theta ** (-2 * (text.mrope_section[0] - 1) / text.head_dim)
    assert 2 * torch.pi / slowest / 2 > 30 * 60


def test_a_published_folder_loads_as_any_checkpoint(clips: Clips, tmp_path: Path) -> None:
    run = Run(RECIPE, clips)
    publish(run.model, run.tokenizer, tmp_path)
    model = load_model(tmp_path)
    for a, b in zip(run.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert load_stop_ids(tmp_path)[0] == run.packer.end
