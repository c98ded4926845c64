"""Typed access to the raw objects of config.json: every failure names the field and its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qwen25vl.errors import ConfigError

ARCHITECTURE = "Qwen2_5_VLForConditionalGeneration"
_CHECK = "check that config.json is that of a Qwen2.5-VL checkpoint"


class Fields:
    """A JSON object whose fields are read once, each with the type it must have."""

    def __init__(self, raw: Mapping[str, Any], place: str) -> None:
        self._raw, self._place = raw, place

    def size(self, name: str) -> int:
        """A positive whole number that must be there."""
        value = self._need(name)
        if not _is_int(value) or value < 1:
            self._refuse(name, "a positive whole number")
        return int(value)

    def size_or(self, name: str, default: int) -> int:
        return default if self._raw.get(name) is None else self.size(name)

    def token(self, name: str) -> int:
        """A token id: a whole number, zero allowed."""
        value = self._need(name)
        if not _is_int(value) or value < 0:
            self._refuse(name, "a token id")
        return int(value)

    def number(self, name: str) -> float:
        """A positive number that must be there."""
        value = self._need(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            self._refuse(name, "a positive number")
        return float(value)

    def int_tuple(self, name: str) -> tuple[int, ...]:
        value = self._need(name)
        if not isinstance(value, list) or not all(_is_int(item) for item in value):
            self._refuse(name, "a list of whole numbers")
        return tuple(value)

    def mapping(self, name: str) -> Mapping[str, Any]:
        value = self._need(name)
        if not isinstance(value, Mapping):
            self._refuse(name, "an object")
        return dict(value)

    def expect(self, name: str, only: object) -> None:
        """Refuse any stated value but ``only``, the one this network implements."""
        if self._raw.get(name, only) != only:
            self._refuse(name, repr(only))

    def _need(self, name: str) -> Any:
        if self._raw.get(name) is None:
            raise ConfigError(f"{self._place}: {name} is missing", next_step=_CHECK)
        return self._raw[name]

    def _refuse(self, name: str, wanted: str) -> None:
        message = f"{self._place}: {name} is {self._raw[name]!r}, not {wanted}"
        raise ConfigError(message, next_step=_CHECK)


def refuse_unknown_variants(raw: Mapping[str, Any]) -> None:
    """Raise ConfigError for another architecture, quantised weights or a sliding window."""
    root = Fields(raw, "config.json")
    root.expect("model_type", "qwen2_5_vl")
    names = raw.get("architectures") or [ARCHITECTURE]
    if ARCHITECTURE not in names:
        raise ConfigError(
            f"config.json: architectures {names} is not {ARCHITECTURE}", next_step=_CHECK
        )
    if "model_type" not in raw and "architectures" not in raw:
        raise ConfigError("config.json: neither model_type nor architectures", next_step=_CHECK)
    if raw.get("quantization_config") is not None:
        step = "use the bfloat16 or float32 checkpoint"
        raise ConfigError("config.json: quantised weights are not supported", next_step=step)
    for place in (raw, text_fields(raw)):
        Fields(place, "config.json").expect("use_sliding_window", False)


def text_fields(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``text_config`` object of newer files; nothing for the flat layout."""
    if raw.get("text_config") is None:
        return {}
    return Fields(raw, "config.json").mapping("text_config")


def rope_fields(raw: Mapping[str, Any]) -> tuple[float, tuple[int, int, int]]:
    """Rotary base and (time, row, column) sections; raises ConfigError on unknown rope types."""
    name = next((n for n in ("rope_parameters", "rope_scaling") if raw.get(n)), "rope_scaling")
    scaling = Fields(raw, "text config").mapping(name)
    kind = scaling.get("rope_type", scaling.get("type", "mrope"))
    if kind not in ("mrope", "default"):
        step = "remove the scaling: it hurts the sense of time, and longer prompts work without it"
        raise ConfigError(f"text config: rope type {kind!r} is not supported", next_step=step)
    section = Fields(scaling, name).int_tuple("mrope_section")
    if len(section) != 3 or min(section) < 1:
        raise ConfigError(f"{name}: mrope_section {section} is not three sizes", next_step=_CHECK)
    theta = Fields({**raw, **scaling}, "text config").number("rope_theta")
    return theta, (section[0], section[1], section[2])


def stated_tying(raw: Mapping[str, Any]) -> bool | None:
    """Whether config.json ties output layer and embeddings; None when silent or contradicting.

    Re-saved checkpoints state it at the root, in ``text_config``, or in both with different values.
    """
    places = (raw, text_fields(raw))
    stated = {
        bool(p["tie_word_embeddings"]) for p in places if p.get("tie_word_embeddings") is not None
    }
    return stated.pop() if len(stated) == 1 else None


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
