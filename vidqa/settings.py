"""What a user may set once and for all: ``VIDQA_*`` variables and ``config.toml``, read by shells.

Order, strongest first: what the caller passes, the environment, the file, the defaults here. The
core never reads the environment; it receives these values.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import ByteSize, Field, field_validator

from vidqa.configuration import FiledSettings, config_file, load

__all__ = ["Settings", "config_file", "load_settings"]


class Settings(FiledSettings):
    """Every setting of a session with its default; ``~`` is the user's home."""

    beside = ("vidqa.service_settings:ServiceSettings",)

    model: str = "nano"
    """A built-in name, a folder with a checkpoint, or a repository name on the model hub."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes CUDA where there is one."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """``auto``: bfloat16 on CUDA, float32 on the CPU."""
    weights: Literal["stored", "int8", "fp8"] = "stored"
    """``int8`` and ``fp8`` keep a byte per weight, ``fp8`` on CUDA alone; replies may differ."""
    compile: bool = False
    """Compile the decoding of replies to one prompt: up to minutes once; pays for small layers."""
    reader: Literal["pyav", "decord", "isolated"] = "pyav"
    """How files are decoded: ``isolated``, in a confined process for each, is for those of
    strangers; ``decord`` only for parity with published pipelines."""
    threads: int = Field(default=2, ge=1, le=64)
    """Parts of the timeline decoded at the same time."""
    budget_frames: int = Field(default=768, ge=2, le=768)
    """Most frames in one pass."""
    budget_tokens: int = Field(default=24_576, ge=4, le=24_576)
    """Most video tokens in one pass."""
    cache: bool = True
    """Keep what was computed from a video for the next question."""
    cache_dir: Path | None = None
    """Where vision tokens are kept; the user's own cache folder when not given."""
    cache_bytes: ByteSize = Field(default=ByteSize(10 * 10**9), ge=0)
    """Most bytes there (``10GB``, ``500MB``); 0 keeps none."""
    prefix_bytes: ByteSize = Field(default=ByteSize(2 * 10**9), ge=0)
    """Most memory for keys and values of what was watched lately; 0 keeps none."""
    prefix_place: Literal["device", "host"] = "device"
    """Where those lie: beside the weights, or in the host's memory and copied back when used."""

    archive_dir: Path | None = None
    """Where the archive of indexed videos lies; the user's own data folder when not given."""
    archive_url: str | None = None
    """The archive's database in place of a file there: ``postgresql://...``, or another file."""

    @field_validator("model")
    @classmethod
    def _folder_at_home(cls, model: str) -> str:
        """A file or a variable has no shell to say where home is."""
        return os.path.expanduser(model)  # noqa: PTH111  (a name of the hub is no path)

    @field_validator("cache_dir", "archive_dir")
    @classmethod
    def _folders_at_home(cls, folder: Path | None) -> Path | None:
        return None if folder is None else Path(os.path.expanduser(folder))  # noqa: PTH111

    @property
    def archive_place(self) -> str:
        """The archive's database: a path or a URL."""
        if self.archive_url is not None:
            return self.archive_url
        if self.archive_dir is not None:
            return str(self.archive_dir / "archive.db")
        from platformdirs import user_data_path  # only where it is needed: start-up time

        return str(user_data_path("vidqa", appauthor=False) / "archive.db")

    @property
    def cache_folder(self) -> Path:
        """Where vision tokens are kept."""
        if self.cache_dir is not None:
            return self.cache_dir
        from platformdirs import user_cache_path  # only where it is needed: start-up time

        return user_cache_path("vidqa", appauthor=False)


def load_settings(**given: Any) -> Settings:
    """Settings from all sources; ``given`` values win, those that are ``None`` were not given.

    Raises :class:`SettingsError` naming the setting and the value it cannot have, or a file that
    cannot be read.
    """
    return load(Settings, given)


def strangers_reader(settings: Settings) -> str:
    """The reader of a service, whose videos are strangers': decoded apart where the system can
    (Linux), unless whoever runs it has said otherwise."""
    said = "reader" in settings.model_fields_set or sys.platform != "linux"
    return settings.reader if said else "isolated"
