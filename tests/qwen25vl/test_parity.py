"""The same weights in transformers give the same numbers: tower, scores, replies, any shape.

Position ids are ours on both sides, unless a test says so: its own are another rule (docs).
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from qwen25vl import Grid, KVCache, Prompt, Qwen25VL, generate, generate_batch, prefill
from tests.qwen25vl.scenes import (
    DOT,
    LONG,
    MIXES,
    SEEDS,
    SHORT,
    WIDE,
    Scene,
    for_transformers,
    make_scene,
    padded_left,
    random_config,
)

# Frames whose windows are whole, ragged on one side, ragged on both, and smaller than a window.
GRIDS = [
    [Grid(1, 8, 8)],
    [Grid(2, 16, 16)],
    [Grid(1, 20, 36)],
    [Grid(3, 12, 20)],
    [Grid(2, 10, 18)],
    [Grid(1, 24, 46)],
    [Grid(2, 30, 52)],
    [Grid(2, 4, 6), Grid(1, 10, 18), Grid(3, 4, 6), Grid(1, 2, 2)],
]
Pair = tuple[Qwen25VL, Any]


@pytest.fixture(scope="module", params=SEEDS, ids="shape {}".format)
def pair(request: pytest.FixtureRequest, twins) -> Pair:
    """Our network and transformers', of a random shape, with the same weights."""
    return twins(random_config(request.param), request.param)


def test_the_shapes_are_of_every_kind():
    configs = [random_config(seed) for seed in SEEDS]
    groups = {c.text.num_attention_heads // c.text.num_key_value_heads for c in configs}
    assert len(set(configs)) == len(SEEDS)
    assert {c.tie_word_embeddings for c in configs} == {True, False}
    assert {1, 2, 7} <= groups
    assert {c.vision.window_size for c in configs} >= {56, 112, 168, 448}
    assert () in {c.vision.fullatt_block_indexes for c in configs}


@torch.no_grad()
def test_tower_equals_transformers(pair):
    model, network = pair
    for grids in GRIDS:
        rows = sum(grid.patches for grid in grids)
        patches_NP = torch.randn(rows, 1176, generator=torch.Generator().manual_seed(5))
        out = network.model.visual(patches_NP, grid_thw=torch.tensor([list(g) for g in grids]))
        assert (model.vision(patches_NP, grids) - out.pooler_output).abs().max() <= 1e-5


@pytest.mark.parametrize("mix", MIXES)
@torch.no_grad()
def test_scores_of_two_videos_and_two_images_equal_transformers(mix, pair):
    model, network = pair
    scene = make_scene(MIXES[mix], model.config)
    ours = model(scene.ids_1S, scene.positions(), scene.videos)
    theirs = network(**for_transformers([scene])).logits
    assert theirs.abs().max() > 0.5  # the comparison below is not one of zeros
    assert (ours - theirs).abs().max() <= 1e-4


@pytest.mark.parametrize("seen", [(LONG,), (WIDE,), ()], ids=["video", "image", "text"])
@torch.no_grad()
def test_scores_of_one_input_or_none_equal_transformers(seen, pair):
    model, network = pair
    scene = make_scene(seen, model.config, words=9)
    ours = model(scene.ids_1S, scene.positions(), scene.videos)
    assert (ours - network(**for_transformers([scene])).logits).abs().max() <= 1e-4


@pytest.mark.parametrize("seen", [MIXES["in turns"], ()], ids=["mixed", "text"])
@torch.no_grad()
def test_32_greedy_tokens_equal_transformers(seen, pair):
    model, network = pair
    scene = make_scene(seen, model.config)
    ours = generate(model, *prompt_of(model, scene), max_new_tokens=32, stop_ids=())
    assert ours.ids == their_replies(network, for_transformers([scene]))[0]


@pytest.fixture
def official_rate(twins) -> Pair:
    """A pair of 2 time ids per second, as all checkpoints have: times 25 may round apart."""
    seed = next(s for s in SEEDS if random_config(s).vision.tokens_per_second == 2)
    return twins(random_config(seed), seed)


@torch.no_grad()
def test_scores_under_its_own_positions_are_ours_in_mode_hf53(official_rate):
    model, network = official_rate
    scene = make_scene(MIXES["in turns"], model.config)
    theirs = network(**for_transformers([scene], explicit=False)).logits
    same, other = (
        model(scene.ids_1S, scene.positions(mode), scene.videos) for mode in ("hf53", "reference")
    )
    assert (same - theirs).abs().max() <= 1e-4
    assert (other - theirs).abs().max() > 1e-2


@torch.no_grad()
def test_its_own_greedy_reply_is_ours_in_mode_hf53(official_rate):
    model, network = official_rate
    scene = make_scene(MIXES["in turns"], model.config)
    prompt = prompt_of(model, scene)._replace(positions_31S=scene.positions("hf53"))
    ours = generate(model, *prompt, max_new_tokens=32, stop_ids=())
    assert ours.ids == their_replies(network, for_transformers([scene], explicit=False))[0]


@torch.no_grad()
def test_scores_of_a_left_padded_batch_equal_transformers(pair):
    model, network = pair
    scenes = ragged_scenes(model)
    ids_BS, positions_3BS, real_BS = padded_left(scenes)
    videos = [video for scene in scenes for video in scene.videos]
    embeds_BSD = model.embed_prompt(ids_BS, model.encode(videos))
    length = ids_BS.shape[1]
    causal_SS = torch.ones(length, length, dtype=torch.bool).tril()
    # A pad sees itself: attention to nothing at all is not a number.
    mask_BSS = (causal_SS & real_BS[:, None]) | torch.eye(length, dtype=torch.bool)
    ours = model.logits(model.text(embeds_BSD, positions_3BS, mask=mask_BSS[:, None]))
    theirs = network(**for_transformers(scenes)).logits
    assert (ours - theirs)[real_BS].abs().max() <= 1e-4


@torch.no_grad()
def test_replies_of_a_left_padded_batch_equal_transformers(pair):
    model, network = pair
    scenes = ragged_scenes(model)
    prompts = [prompt_of(model, scene) for scene in scenes]
    ours = generate_batch(model, prompts, max_new_tokens=32, stop_ids=())
    assert [reply.ids for reply in ours] == their_replies(network, for_transformers(scenes))


@pytest.mark.parametrize("chunk", [1, 7, 64])
@torch.no_grad()
def test_a_prompt_through_the_cache_in_chunks_has_the_scores_of_one_pass(chunk, pair):
    model, network = pair
    scene = make_scene(MIXES["in turns"], model.config)
    prompt, tokens = prompt_of(model, scene), len(scene.ids)
    cache = KVCache(model.config.text, tokens)
    chunked_1SD = prefill(model, *prompt, cache, chunk=chunk, keep=range(tokens))
    theirs = network(**for_transformers([scene])).logits
    assert cache.length == tokens
    # Few rows and many go through different matrix kernels.
    assert (chunked_1SD - model.text(*prompt)).abs().max() <= 3e-5
    assert (model.logits(chunked_1SD) - theirs).abs().max() <= 1e-4


@torch.no_grad()
def test_a_cached_reply_has_the_scores_of_recomputing_it(pair):
    model, network = pair
    scene = make_scene(MIXES["in turns"], model.config)
    reply = generate(model, *prompt_of(model, scene), max_new_tokens=16, stop_ids=())
    whole = Scene([*scene.ids, *reply.ids], scene.videos, scene.kinds, [], model.config)
    last = slice(len(scene.ids) - 1, -1)
    for logits in (
        model(whole.ids_1S, whole.positions(), whole.videos),
        network(**for_transformers([whole])).logits,
    ):
        found = logits[0, last].log_softmax(-1).gather(1, torch.tensor(reply.ids)[:, None])
        assert reply.logprobs == pytest.approx(found[:, 0].tolist(), abs=1e-4)


@torch.no_grad()
def test_questions_behind_a_reused_prefix_get_transformers_replies_to_the_whole(pair):
    model, network = pair
    scenes = [make_scene((SHORT, LONG, DOT), model.config) for _ in range(3)]
    prefix = len(scenes[0].ids)
    questions = [[30, 40, 50], [60], [70, 80, 30, 90]]
    for scene, question in zip(scenes, questions, strict=True):
        scene.ids.extend(question)
    cache = KVCache(model.config.text, prefix + 40)
    embeds_1SD, positions_31S = prompt_of(model, scenes[0])
    prefill(model, embeds_1SD[:, :prefix], positions_31S[..., :prefix], cache)
    for scene in scenes:
        cache.truncate(prefix)
        rest = model.embed(scene.ids_1S[:, prefix:]), scene.positions()[..., prefix:]
        ours = generate(model, *rest, max_new_tokens=32, stop_ids=(), cache=cache)
        assert ours.ids == their_replies(network, for_transformers([scene]))[0]


def ragged_scenes(model: Qwen25VL) -> list[Scene]:
    """Prompts of unequal length: text, an image, two videos of different intervals."""
    shown = [(), (WIDE,), (SHORT, DOT, LONG)]
    return [make_scene(seen, model.config, seed=i, words=5) for i, seen in enumerate(shown)]


def prompt_of(model: Qwen25VL, scene: Scene) -> Prompt:
    tokens_MD = model.encode(scene.videos) if scene.videos else None
    return Prompt(model.embed_prompt(scene.ids_1S, tokens_MD), scene.positions())


def their_replies(network: Any, inputs: dict[str, Any], tokens: int = 32) -> list[list[int]]:
    replies: list[list[int]] = network.generate(
        **inputs,
        max_new_tokens=tokens,
        min_new_tokens=tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )[:, inputs["input_ids"].shape[1] :].tolist()
    return replies
