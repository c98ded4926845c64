"""The whole network: gradients, types, the seam between pixels and text."""

from __future__ import annotations

import pytest
import torch

from qwen25vl import Grid, PromptError, Qwen25VL, VideoInput, VisionRun, position_ids
from qwen25vl.attention import attend, causal_mask, repeats_keys
from qwen25vl.rope import text_rope


@pytest.fixture
def model(make_config, make_model) -> Qwen25VL:
    return make_model(make_config())


def video(model: Qwen25VL, grid: Grid) -> VideoInput:
    generator = torch.Generator().manual_seed(3)
    patches = torch.randn(grid.patches, model.config.vision.patch_dim, generator=generator)
    return VideoInput(patches_NP=patches, grid=grid, row_seconds=tuple(map(float, range(grid.t))))


def test_every_parameter_learns_from_a_video_question(model):
    clip = video(model, Grid(2, 10, 18))
    ids = [12, *[11] * clip.grid.tokens(model.config.vision), 13, 20, 21]
    positions = position_ids(ids, [clip.run], model.config)[:, None]
    model(torch.tensor([ids]), positions, [clip])[0, -1].logsumexp(0).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_the_gradient_is_the_slope(make_config, make_model):
    model = make_model(make_config()).double()
    embeds = torch.randn(1, 5, 64, dtype=torch.float64, requires_grad=True)
    positions = torch.arange(5).expand(3, 1, 5)
    torch.autograd.gradcheck(lambda x: model.text(x, positions)[0, -1, :3], (embeds,))


def test_an_inner_layer_ends_early_and_the_rest_leads_to_the_last(model):
    embeds, positions = torch.randn(2, 6, 64), torch.arange(6).expand(3, 2, 6)
    inner = model.text.hidden(embeds, positions, layer=2)
    last = model.text.layers[2](inner, *_rest(model, positions))
    assert torch.equal(model.text.norm(last), model.text(embeds, positions))
    assert torch.equal(model.text.hidden(embeds, positions, layer=3), last)
    assert torch.equal(model.text.hidden(embeds, positions, layer=0), embeds)


@pytest.mark.parametrize("queries", [1, 5, 64, 65])
@pytest.mark.parametrize("masked", [False, True])
def test_few_queries_folded_into_groups_attend_as_repeated_keys_do(queries, masked):
    q = torch.randn(2, 6, queries, 8)
    k, v = torch.randn(2, 2, 2, 70, 8)
    mask = torch.rand(2, 1, queries, 70) > 0.4 if masked else None
    wanted = torch.nn.functional.scaled_dot_product_attention(
        q, k.repeat_interleave(3, dim=1), v.repeat_interleave(3, dim=1), attn_mask=mask
    )
    assert (attend(q, k, v, mask, causal=False) - wanted).abs().max() <= 1e-5


@pytest.mark.parametrize("queries", [2, 64, 65])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_a_chunk_behind_cached_tokens_attends_as_under_a_mask(queries, dtype):
    q = torch.randn(2, 6, queries, 8).to(dtype)
    k, v = torch.randn(2, 2, 2, 70 + queries, 8).to(dtype)
    wanted = attend(q.float(), k.float(), v.float(), causal_mask(q, 70), causal=False)
    within = 1e-6 if dtype == torch.float32 else 2e-2
    assert (attend(q, k, v, None, causal=True) - wanted).abs().max() <= within


def test_a_chunk_behind_cached_tokens_has_a_gradient():
    q = torch.randn(1, 4, 3, 8, dtype=torch.float64, requires_grad=True)
    k, v = torch.randn(2, 1, 2, 8, 8, dtype=torch.float64)
    torch.autograd.gradcheck(lambda x: attend(x, k, v, None, causal=True), (q,))


def test_vision_tokens_replace_the_pads_in_order(model):
    tokens = torch.randn(3, 64)
    ids = torch.tensor([[20, 11, 11, 21], [10, 22, 23, 24]])
    embeds = model.embed_prompt(ids, tokens)
    assert torch.equal(embeds[0, 1:3], tokens[:2])
    assert torch.equal(embeds[1, 0], tokens[2])
    assert torch.equal(embeds[0, 0], model.embed(torch.tensor(20)))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_pads_and_vision_tokens_must_be_as_many(count, model):
    with pytest.raises(PromptError, match=f"{count} vision tokens for 2 pads"):
        model.embed_prompt(torch.tensor([[11, 11, 20]]), torch.randn(count, 64))


def test_frames_of_a_video_do_not_see_each_other(model):
    clip = video(model, Grid(2, 10, 18))
    changed = clip.patches_NP.clone()
    changed[180:] = 0
    with torch.no_grad():
        before = model.vision(clip.patches_NP, [clip.grid])
        after = model.vision(changed, [clip.grid])
    assert (before[:45] - after[:45]).abs().max() <= 1e-5
    assert (before[45:] - after[45:]).abs().max() > 0.1


def test_bfloat16_follows_float32(model):
    clip = video(model, Grid(1, 10, 18))
    with torch.no_grad():
        exact = model.vision(clip.patches_NP, [clip.grid])
        short = model.to(torch.bfloat16).vision(clip.patches_NP, [clip.grid])
    assert short.dtype == torch.bfloat16
    assert (exact - short).abs().mean() < 0.02 * exact.abs().mean()


def test_late_times_stay_apart_in_bfloat16(model):
    positions = torch.tensor([7196, 7197]).expand(3, 1, 2)
    cos = text_rope(positions, model.config.text, torch.bfloat16).cos
    exact = text_rope(positions, model.config.text, torch.float32).cos
    assert (cos - exact).abs().max() < 0.004
    assert not torch.equal(cos[:, :, 0], cos[:, :, 1])


def test_the_tower_refuses_float16(model):
    clip = video(model, Grid(1, 2, 2))
    with pytest.raises(PromptError, match="float16"):
        model.half().vision(clip.patches_NP, [clip.grid])


@pytest.mark.parametrize("grids", [[], [Grid(1, 2, 4)], [Grid(1, 1, 4)], [Grid(1, 4, 1)]], ids=str)
def test_patches_and_grids_must_agree(grids, model):
    with pytest.raises(PromptError, match="do not fit"):
        model.vision(torch.zeros(4, 1176), grids)


@pytest.mark.parametrize("masked", [False, True])
@torch.no_grad()
def test_repeated_keys_attend_as_grouped_ones(masked, model, monkeypatch):
    embeds, positions = torch.randn(1, 9, 64), torch.arange(9).expand(3, 1, 9)
    mask = torch.ones(9, 9, dtype=torch.bool).tril() if masked else None
    grouped = model.text(embeds, positions, mask=mask)
    monkeypatch.setattr("qwen25vl.attention.repeats_keys", lambda *_, **__: True)
    assert (model.text(embeds, positions, mask=mask) - grouped).abs().max() <= 1e-5


@pytest.mark.parametrize(
    ("device", "dtype", "masked", "repeats"),
    [
        ("cuda", torch.bfloat16, False, False),
        ("cuda", torch.bfloat16, True, True),
        ("cuda", torch.float32, False, True),
        ("cpu", torch.float32, True, False),
    ],
)
def test_keys_are_repeated_only_where_no_lean_kernel_takes_groups(device, dtype, masked, repeats):
    assert repeats_keys(device, dtype, masked=masked) == repeats


def test_positions_must_fit_the_embeddings(model):
    with pytest.raises(PromptError, match="positions"):
        model.text(torch.zeros(1, 4, 64), torch.zeros(3, 1, 5))
    with pytest.raises(PromptError, match="no layer 4"):
        model.text.hidden(torch.zeros(1, 4, 64), torch.zeros(3, 1, 4), layer=4)


def test_a_run_knows_its_grid_and_times(model):
    assert video(model, Grid(2, 2, 2)).run == VisionRun(Grid(2, 2, 2), (0.0, 1.0))


def _rest(model: Qwen25VL, positions: torch.Tensor) -> tuple[object, None, None, bool]:
    return text_rope(positions, model.config.text, torch.float32), None, None, True
