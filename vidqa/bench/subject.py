"""What is measured: a checkpoint's own weights, or random ones of any config, whole or in part."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from qwen25vl import ModelConfig, Qwen25VL, load_config, load_model
from qwen25vl.config import read_json
from qwen25vl.counting import parameters
from qwen25vl.shapes import SHAPES
from vidqa.checkpoints import find_checkpoint
from vidqa.errors import ModelError, SettingsError
from vidqa.running import device_called, model_errors
from vidqa.settings import load_settings

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One network on one device."""

    name: str
    config: ModelConfig
    """The whole network's."""
    folder: Path | None
    """Where its weights are; ``None``: random ones are made in memory."""
    layers: int | None
    """How many layers of tower and decoder are run; ``None``: all."""
    device: str
    dtype: torch.dtype

    @property
    def measured(self) -> ModelConfig:
        """What is run: ``config``, or its first ``layers``, those of the tower with windows."""
        if self.layers is None:
            return self.config
        vision, text = self.config.vision, self.config.text
        return replace(
            self.config,
            vision=replace(vision, depth=self.layers, fullatt_block_indexes=()),
            text=replace(text, num_hidden_layers=self.layers),
        )

    @property
    def weight_bytes(self) -> int:
        """Of the network that is run."""
        return parameters(self.measured) * self.dtype.itemsize

    def load(self) -> Qwen25VL:
        """The network, ready to run. Raises ModelError, also where it would not fit."""
        with model_errors():
            if self.folder is not None:
                return load_model(self.folder, self.device, self.dtype)
            self._require_room()
            return random_model(self.measured, self.device, self.dtype)

    def _require_room(self) -> None:
        room = _memory_bytes(self.device)
        if self.weight_bytes > room:
            raise ModelError(
                f"{self.name} has {self.weight_bytes / 1e9:.1f} GB of weights for"
                f" {room / 1e9:.1f} GB of memory",
                code="memory_short",
                next_step="Measure some of the layers with --layers 2, or use --dtype bfloat16.",
            )


def find_subject(
    *,
    model: str | None = None,
    config: Path | None = None,
    shape: str | None = None,
    layers: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> Subject:
    """The network that the options name; without any, the model of the settings.

    Raises :class:`SettingsError` for options that contradict each other, :class:`ModelError` for
    what cannot be found.
    """
    if sum(given is not None for given in (model, config, shape)) > 1:
        raise SettingsError(
            "--model, --config and --shape each name a network",
            code="subject_ambiguous",
            next_step="Give one of them.",
        )
    settings = load_settings(model=model, device=device, dtype=dtype)
    place = device_called(settings.device)
    own = torch.bfloat16 if place == "cuda" else torch.float32
    with model_errors():
        name, whole, folder = _named(settings.model, config, shape)
    return Subject(
        name=name,
        config=whole,
        folder=folder if layers is None else None,
        layers=_some_layers(layers, whole),
        device=place,
        dtype=own if settings.dtype == "auto" else _DTYPES[settings.dtype],
    )


def random_model(config: ModelConfig, device: str, dtype: torch.dtype) -> Qwen25VL:
    """A network of small random numbers, made where it runs."""
    with torch.device("meta"):
        model = Qwen25VL(config)
    model = model.to(dtype).to_empty(device=device)
    model.tie()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.03, 0.03)  # outputs stay finite through 80 layers
    return model.eval()


def _named(
    model: str, config: Path | None, shape: str | None
) -> tuple[str, ModelConfig, Path | None]:
    if shape is not None:
        return _shape(shape)
    if config is not None:
        return config.stem, ModelConfig.from_json(read_json(config)), None
    checkpoint = find_checkpoint(model)
    return checkpoint.name, load_config(checkpoint.folder), checkpoint.folder


def _shape(name: str) -> tuple[str, ModelConfig, None]:
    if name in SHAPES:
        return f"Qwen2.5-VL-{name.upper()}", SHAPES[name], None
    raise SettingsError(
        f"there is no shape {name!r}",
        code="shape_unknown",
        next_step=f"Choose one of {', '.join(SHAPES)}, or give any config.json with --config.",
    )


def _some_layers(layers: int | None, config: ModelConfig) -> int | None:
    most = min(config.vision.depth, config.text.num_hidden_layers)
    if layers is None or 1 <= layers <= most:
        return layers
    raise SettingsError(
        f"{layers} layers of a network that has {most} in its smaller half",
        code="layers_impossible",
        next_step=f"Give --layers from 1 to {most}, or none to measure all.",
    )


def _memory_bytes(device: str) -> int:
    """What is free on the card; what the machine has, as its caches give way."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return 1 << 62  # not told on this system: the allocator decides
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
