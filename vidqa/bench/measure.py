"""Runs every stage of one answer and sets its time against what was counted.

With some layers only, a stage is run with none of them too: the difference is the layers', and is
scaled to the whole network's number. Tower blocks with windows and those that see whole frames are
run and scaled apart.
Axes: T frames, H rows, W columns, C channels; S prompt tokens, D width; N patches, P their numbers.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qwen25vl import Grid, KVCache, ModelConfig, Qwen25VL, VisionConfig, generate, patchify
from qwen25vl import counting as count
from qwen25vl.vision import VisionTower
from vidqa.bench.report import Report, Stage
from vidqa.bench.stopwatch import Ceilings, Stopwatch, measure_ceilings
from vidqa.bench.subject import Subject
from vidqa.bench.work import Work
from vidqa.running import model_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds of each stage of the whole network, measured or scaled."""

    preprocess: float
    tower: float
    prefill: float
    decode: float
    """Of one new token."""


def bench_model(subject: Subject, work: Work, watch: Stopwatch | None = None) -> Report:
    """Measure one answer of ``subject``.

    Raises SettingsError for frames that do not fit the network, ModelError where it cannot run.
    """
    watch = watch or Stopwatch(subject.device)
    grid = work.grid(subject.config.vision)
    ceilings = measure_ceilings(watch, subject.dtype, work.rounds)
    model = subject.load()
    if subject.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with model_errors(), torch.inference_mode():
        times = _times(subject, model, work, watch)
    return _report(subject, work, _stages(subject, work, grid, ceilings, times))


def whole_seconds(bare_s: float, *parts: tuple[int, int, float]) -> float:
    """A stage of the whole network, from ``bare_s`` without layers and, for each kind of layer,
    ``(layers of the whole, layers run, seconds with those)``."""
    return bare_s + sum(
        whole * max(0.0, seconds - bare_s) / run for whole, run, seconds in parts if whole
    )


def _times(subject: Subject, model: Qwen25VL, work: Work, watch: Stopwatch) -> Times:
    vision = subject.config.vision
    rgb_THWC = torch.randint(
        256, (work.frames, work.height, work.width, vision.in_channels), dtype=torch.uint8
    )
    preprocess_s = watch.median(lambda: patchify(rgb_THWC, vision), work.rounds)
    patches_NP, grid = patchify(rgb_THWC, vision)
    tower_s = _tower_s(subject, model, patches_NP.to(subject.device), grid, work, watch)
    prefill_s, decode_s = _text_s(subject, model, work, watch)
    return Times(preprocess=preprocess_s, tower=tower_s, prefill=prefill_s, decode=decode_s)


def _tower_s(
    subject: Subject, model: Qwen25VL, patches_NP: Tensor, grid: Grid, work: Work, watch: Stopwatch
) -> float:
    def seconds(tower: VisionTower) -> float:
        return watch.median(lambda: tower(patches_NP, [grid]), work.rounds)

    if subject.layers is None:
        return seconds(model.vision)
    whole, run = subject.config.vision, subject.layers
    full = len(set(whole.fullatt_block_indexes))
    with_full = replace(model.config.vision, fullatt_block_indexes=tuple(range(run)))
    return whole_seconds(
        seconds(_like(model.vision, replace(with_full, depth=0, fullatt_block_indexes=()))),
        (whole.depth - full, run, seconds(model.vision)),
        (full, run, seconds(_like(model.vision, with_full))),
    )


def _like(tower: VisionTower, config: VisionConfig) -> VisionTower:
    """The same weights under another config, whose blocks are the first of the tower's."""
    with torch.device("meta"):
        other = VisionTower(config)
    other.patch_embed, other.merger = tower.patch_embed, tower.merger
    other.blocks = tower.blocks[: config.depth]
    return other.eval()


def _text_s(subject: Subject, model: Qwen25VL, work: Work, watch: Stopwatch) -> tuple[float, float]:
    """Prefill, and one new token behind it."""
    seconds = _answer_s(model, work, watch, subject.config)
    if subject.layers is None:
        return seconds
    bare = _answer_s(_without_layers(model), work, watch, subject.config)
    whole, run = subject.config.text.num_hidden_layers, subject.layers
    prefill_s, decode_s = (
        whole_seconds(without_s, (whole, run, with_s))
        for without_s, with_s in zip(bare, seconds, strict=True)
    )
    return prefill_s, decode_s


def _without_layers(model: Qwen25VL) -> Qwen25VL:
    """The same table and output layer, with nothing between them."""
    text = replace(model.config.text, num_hidden_layers=0)
    with torch.device("meta"):
        bare = Qwen25VL(
            replace(
                model.config,
                text=text,
                vision=replace(model.config.vision, depth=0, fullatt_block_indexes=()),
            )
        )
    bare.vision, bare.lm_head = model.vision, model.lm_head
    bare.text.embed_tokens, bare.text.norm = model.text.embed_tokens, model.text.norm
    return bare.eval()


def _answer_s(
    model: Qwen25VL, work: Work, watch: Stopwatch, config: ModelConfig
) -> tuple[float, float]:
    """A prompt with the first score behind it; then, from its last token on, new tokens."""
    tokens = work.context(config)
    embeds_1SD = torch.rand(
        1, tokens, config.text.hidden_size, device=model.device, dtype=torch.float32
    ).to(model.dtype)
    positions_31S = torch.arange(tokens, device=model.device).expand(3, 1, tokens)
    cache = KVCache(model.config.text, tokens + work.tokens, dtype=model.dtype, device=model.device)

    def prompt() -> None:
        cache.truncate(0)
        generate(model, embeds_1SD, positions_31S, max_new_tokens=1, stop_ids=(), cache=cache)

    def reply() -> None:
        cache.truncate(tokens - 1)
        generate(
            model,
            embeds_1SD[:, -1:],
            positions_31S[:, :, -1:],
            max_new_tokens=work.tokens,  # as many passes as tokens: the last one is not fed back
            stop_ids=(),
            cache=cache,
        )

    prefill_s = watch.median(prompt, work.rounds)
    return prefill_s, watch.median(reply, work.rounds) / work.tokens


def _stages(
    subject: Subject, work: Work, grid: Grid, ceilings: Ceilings, times: Times
) -> tuple[Stage, ...]:
    vision, text, size = subject.config.vision, subject.config.text, subject.dtype.itemsize
    context = work.context(subject.config)
    middle = context + work.tokens // 2  # of the contexts that the new tokens see
    frames = count.preprocess_bytes(vision, work.frames, work.height, work.width)
    counted = (
        ("preprocess", 0, frames, times.preprocess),
        (
            "tower",
            count.tower_flops(vision, [grid]).total,
            count.tower_bytes(vision, [grid], size),
            times.tower,
        ),
        (
            "prefill",
            count.prefill_flops(text, context).total,
            count.prefill_bytes(text, context, size),
            times.prefill,
        ),
        (
            "decode",
            count.decode_flops(text, middle).total,
            count.decode_bytes(text, middle, size),
            times.decode,
        ),
    )
    return tuple(
        Stage(
            name=name,
            flops=flops,
            bytes=moved,
            seconds=seconds,
            flops_per_s=ceilings.flops_per_s,
            bytes_per_s=ceilings.host_bytes_per_s if name == "preprocess" else ceilings.bytes_per_s,
        )
        for name, flops, moved, seconds in counted
    )


def _report(subject: Subject, work: Work, stages: tuple[Stage, ...]) -> Report:
    context = work.context(subject.config)
    per_token = count.kv_bytes_per_token(subject.measured.text, subject.dtype.itemsize)
    return Report(
        model=subject.name,
        parameters=count.parameters(subject.config),
        random_weights=subject.folder is None,
        dtype=str(subject.dtype).removeprefix("torch."),
        device=subject.device,
        machine=_machine(subject.device),
        layers=_layers_run(subject),
        frames=work.frames,
        height=work.height,
        width=work.width,
        video_tokens=work.video_tokens(subject.config),
        prompt_tokens=work.prompt,
        new_tokens=work.tokens,
        rounds=work.rounds,
        stages=stages,
        weight_bytes=subject.weight_bytes,
        cache_bytes=(context + work.tokens) * per_token,
        peak_bytes=peak_bytes(subject.device),
    )


def _layers_run(subject: Subject) -> str:
    if subject.layers is None:
        return ""
    text, tower = subject.config.text.num_hidden_layers, subject.config.vision.depth
    return (
        f"{subject.layers} of {text} decoder layers and {subject.layers} of {tower} tower blocks"
        " measured, scaled"
    )


def _machine(device: str) -> str:
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"{platform.machine()}, {torch.get_num_threads()} threads"


def peak_bytes(device: str) -> int | None:
    """Most memory held so far: tensors on the card, or the whole process on the CPU."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    try:
        import resource  # late: absent on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
