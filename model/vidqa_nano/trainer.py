"""One training run: batches by number, two stages, checkpoints that resume to the bit.

Stage 1 trains the vision tower alone on what every row shows; stage 2 trains everything. Batch n is
drawn from (seed, n) and nothing else is random, so a run that was killed and resumed is the run
that was not (where it counts steps; a run with a time to end at goes on from the time it had used).
Several workers each take a part of every batch and add up their gradients.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from qwen25vl import ModelConfig, Qwen25VL
from vidqa_nano.clips import Clips
from vidqa_nano.config import nano_config
from vidqa_nano.contrast import Memory, contrast_loss, told_loss
from vidqa_nano.drawing import POOL, Course, Maker, Pools, Ready, Source
from vidqa_nano.halves import half_products
from vidqa_nano.losses import (
    Found,
    Helpers,
    Part,
    Weights,
    all_losses,
    seen_loss,
    vision_tokens,
)
from vidqa_nano.make_tokenizer import make_tokenizer
from vidqa_nano.optimiser import Optimiser
from vidqa_nano.packing import Packer, packers_of
from vidqa_nano.recipe import Recipe
from vidqa_nano.team import Team


class Run:
    """The state of a run: network, helpers, optimiser, memory, number of the next step."""

    def __init__(
        self, recipe: Recipe, clips: Clips, team: Team | None = None, device: str = "cpu"
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.team, self.device = recipe, team or Team(), torch.device(device)
        self.step, self.stage, self.stage_began = 0, 1, 0
        self.tokenizer: Tokenizer = make_tokenizer()
        config = ModelConfig.from_json(nano_config(self.tokenizer))
        self.model = Qwen25VL(config)
        start_small(self.model)
        self.helpers = Helpers(config.text.hidden_size)
        self.memory = Memory(config.text.hidden_size)
        for module in (self.model, self.helpers, self.memory):
            module.to(self.device)
        self.packers = packers_of(recipe.rules, self.tokenizer, config)
        self.pools = Pools(recipe, clips)
        self.source: Source = Maker(self.pools, self.packers, self.team)
        self.optimiser = Optimiser(self.model, self.helpers, recipe.decay)
        self.elapsed_s = 0.0
        self.pool_elapsed_s = 0.0
        """Time that had been used when the present pool of batches was drawn."""
        self._started = time.monotonic()

    @property
    def progress(self) -> float:
        """Share of the run that is done."""
        return self.recipe.progress(self.step, self.elapsed_s)

    @property
    def packer(self) -> Packer:
        """What packs the next step's batch."""
        return self.packers[self.recipe.rule_at(self.step)]

    def advance(self) -> dict[str, float]:
        """One step; returns its losses and learning rate."""
        self._enter()
        rate = self.recipe.rate_at(self.progress, self.step - self.stage_began)
        parts = self._parts(self.source.ready(self.step, self.course()))
        counts = self._agree(parts)
        weights = self.weights()
        terms = [weights[name] * part.sum / counts[name] for name, part in parts.items()]
        self.optimiser.forget()
        torch.stack(terms).sum().backward()
        losses = self._add_up({n: p.sum.detach() / counts[n] for n, p in parts.items()})
        norm = nn.utils.clip_grad_norm_(self._parameters(), self.recipe.clip_norm)
        self.optimiser.step(rate, rate if self.stage == 1 else rate * self.recipe.tower_rate)
        self.step += 1
        total = sum(weights[name] * loss for name, loss in losses.items())
        return losses | {"total": total, "norm": norm.item(), "rate": rate}

    def weights(self) -> dict[str, float]:
        """How much each loss counts in the present stage: the first one has ``seen`` alone."""
        if self.stage == 1:
            return {"seen": 1.0}
        weights = asdict(Weights()) | {"reply": 1.0}
        return weights | {name: 0.0 for name in weights if name == self.recipe.without}

    def _enter(self) -> None:
        """Pools are drawn for the progress at their start; a new stage starts with one."""
        if self.step % POOL == 0:
            self.pool_elapsed_s = self.elapsed_s
            stage = self.course().stage
            if stage != self.stage:
                self.stage, self.stage_began = stage, self.step

    def course(self) -> Course:
        """What the present pool of batches is drawn for."""
        return Course.of(self.recipe, self.step, self.pool_elapsed_s)

    def _parts(self, ready: Ready) -> dict[str, Part]:
        """This worker's part of every loss."""
        batch = ready.batch.to(self.device)
        gain = _gain(self.recipe.seed, self.step)
        tower = self.stage == 1 or self.recipe.trains_tower(self.progress)
        self.model.vision.requires_grad_(tower)
        with half_products(on=self.recipe.half):
            if self.stage == 1:
                tokens = vision_tokens(self.model, batch, gain)
                return {"seen": seen_loss(self.helpers, tokens, batch.labels)}
            found = all_losses(self.model, self.helpers, batch, gain)
        return found.parts | (self._embed_part(ready, found) if ready.told else {})

    def _embed_part(self, ready: Ready, found: Found) -> dict[str, Part]:
        """Of ``embed`` the whole team's loss, with the gradient of this worker's own vectors."""
        happens, claimed = ready.happens_EC.to(self.device), ready.claimed_NC.to(self.device)
        owners = [number % self.team.size for number in ready.told]
        own = [place for place, owner in enumerate(owners) if owner == self.team.rank]
        per_clip = len(claimed) // len(happens)
        own_texts = [place * per_clip + k for place in own for k in range(per_clip)]
        clip_ED = self.team.together(found.clip_ED, own, len(happens))
        text_ND = self.team.together(found.text_ND, own_texts, len(claimed))
        loss = contrast_loss(self.memory, clip_ED, happens, text_ND, claimed)
        self.memory.remember(clip_ED, happens, text_ND, claimed)
        told = told_loss(
            self.helpers.told, found.clip_ED, happens[own], found.text_ND, claimed[own_texts]
        )
        share = 1 / self.team.size
        return {
            "embed": Part(loss - loss.detach() * (1 - share), share),
            "told": Part(told, len(own)),
        }

    def _agree(self, parts: dict[str, Part]) -> dict[str, float]:
        """The team's count of each loss; the leader's clock becomes everyone's."""
        now = time.monotonic() - self._started if self.team.leads else 0.0
        counts = torch.tensor([*(part.count for part in parts.values()), now], dtype=torch.float64)
        *summed, self.elapsed_s = self.team.sum_(counts).tolist()
        return dict(zip(parts, (max(count, 1e-9) for count in summed), strict=True))

    def _add_up(self, losses: dict[str, Tensor]) -> dict[str, float]:
        """Sum gradients and losses over the team, all in one go."""
        grads = [p.grad for p in self._parameters() if p.grad is not None]
        values = torch.stack([*losses.values()]).float()
        if self.team.size > 1:
            flat = self.team.sum_(torch.cat([values, *(grad.flatten() for grad in grads)]))
            values, *summed = flat.split([len(values), *(grad.numel() for grad in grads)])
            for grad, total in zip(grads, summed, strict=True):
                grad.copy_(total.view_as(grad))
        return dict(zip(losses, values.tolist(), strict=True))

    def _parameters(self) -> list[nn.Parameter]:
        return [*self.optimiser.parameters()]

    def save(self, path: Path) -> None:
        """Write the whole state beside ``path`` and move it there: never a half-written file."""
        state = {
            "recipe": asdict(self.recipe),
            "counters": {name: getattr(self, name) for name in _COUNTERS},
            "model": self.model.state_dict(),
            "helpers": self.helpers.state_dict(),
            "memory": self.memory.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        half = path.with_suffix(".half")
        torch.save(state, half)
        half.replace(path)

    @classmethod
    def resume(
        cls,
        path: Path,
        clips: Clips,
        team: Team | None = None,
        device: str = "cpu",
        changes: Mapping[str, Any] | None = None,
    ) -> Run:
        """The run saved at ``path``; ``changes`` to its recipe hold from here on."""
        state = torch.load(path, weights_only=True, map_location=device)
        run = cls(replace(Recipe(**state["recipe"]), **(changes or {})), clips, team, device)
        run.model.load_state_dict(state["model"])
        run.helpers.load_state_dict(state["helpers"])
        run.memory.restore(state["memory"])
        run.optimiser.load_state_dict(state["optimiser"])
        for name, value in state["counters"].items():
            setattr(run, name, value)
        run._started = time.monotonic() - run.elapsed_s
        return run


_COUNTERS = ("step", "stage", "stage_began", "elapsed_s", "pool_elapsed_s")


def start_small(model: Qwen25VL) -> None:
    """Start values for a narrow network: spread by the width of what a layer reads."""
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        spread = 0.08 if "embed_tokens" in name else 0.7 * parameter.shape[1] ** -0.5
        if name.endswith(("o_proj.weight", "down_proj.weight", "attn.proj.weight")):
            spread *= 0.4
        nn.init.normal_(parameter, std=spread)


def _gain(seed: int, step: int) -> tuple[float, float]:
    """A contrast and a brightness for the batch, so that a codec's small shifts mean nothing."""
    rng = np.random.default_rng([seed, 8, step])
    return float(rng.uniform(0.9, 1.1)), float(rng.uniform(-0.12, 0.12))


def steps_left(run: Run) -> Iterator[int]:
    """Numbers of the steps still to do."""
    while run.progress < 1:
        yield run.step
