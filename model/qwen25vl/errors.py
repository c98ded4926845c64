"""What can go wrong with a checkpoint or its inputs: the value, the place, and what to do next."""

from __future__ import annotations


class Qwen25VLError(Exception):
    """Base of every error this package raises on purpose; never raised itself."""

    def __init__(self, message: str, *, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


class ConfigError(Qwen25VLError, ValueError):
    """A config.json that does not describe a network this package can build."""


class CheckpointError(Qwen25VLError):
    """A checkpoint folder whose files are absent, unreadable or do not fit the network."""


class TokenizerError(Qwen25VLError):
    """A tokenizer.json that cannot be read or lacks a token the chat format needs."""


class PromptError(Qwen25VLError, ValueError):
    """Token ids, vision grids, positions or frames that do not belong together."""


class GrammarError(Qwen25VLError, ValueError):
    """A grammar that cannot be compiled or followed, or a token that it does not allow."""
