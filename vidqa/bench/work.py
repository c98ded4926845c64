"""What is run: how much video, how much text, how often. Seconds, pixels and tokens."""

from __future__ import annotations

from dataclasses import dataclass

from qwen25vl import Grid, ModelConfig, VisionConfig
from vidqa.errors import SettingsError

_STEP = "Give --frames of 1 or more and --size as two multiples of {unit}, height first: 112x112."


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One question about one video."""

    frames: int = 32
    height: int = 112
    width: int = 112
    prompt: int = 200
    """Tokens of text before the reply, the question and the chat's own among them."""
    tokens: int = 16
    """New tokens."""
    rounds: int = 5
    """Times that each stage is measured, after once to warm up; the median counts."""

    def grid(self, config: VisionConfig) -> Grid:
        """The patches of the video. Raises SettingsError for a size that they do not divide."""
        unit = config.patch_size * config.spatial_merge_size
        if min(self.height, self.width) < unit or self.height % unit or self.width % unit:
            raise SettingsError(
                f"frames of {self.height}x{self.width} are no whole number of {unit}x{unit} tokens",
                code="size_uneven",
                next_step=_STEP.format(unit=unit),
            )
        pairs = -(-self.frames // config.temporal_patch_size)
        return Grid(pairs, self.height // config.patch_size, self.width // config.patch_size)

    def video_tokens(self, config: ModelConfig) -> int:
        """Merged vision tokens."""
        return self.grid(config.vision).tokens(config.vision)

    def context(self, config: ModelConfig) -> int:
        """Tokens of the whole prompt."""
        return self.video_tokens(config) + self.prompt
