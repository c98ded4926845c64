"""``vidqa doctor``: one check a line, each with what to do when it fails."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from vidqa.errors import ModelError, SettingsError

State = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: ``warn`` costs a feature, ``FAIL`` means vidqa does not work."""

    state: State
    name: str
    finding: str

    def to_dict(self) -> dict[str, str]:
        """The check as plain JSON values."""
        return asdict(self)


def examine() -> list[Check]:
    """Every check, in the order a newcomer would mend them."""
    checks: tuple[Callable[[], Check], ...] = (
        _python,
        _decoder,
        _decord,
        _ffmpeg,
        _torch,
        _settings,
        _built_in,
    )
    return [check() for check in checks]


def _python() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Check(
        "ok", "python", f"{platform.python_version()} on {platform.machine()}, {cores} cores"
    )


def _decoder() -> Check:
    try:
        import av  # late: each check imports what it checks
    except (ImportError, OSError) as err:
        return Check("FAIL", "decoder", f"PyAV does not import: {err}; pip install av")
    ffmpeg = ".".join(map(str, av.ffmpeg_version_info.split()[:1]))
    return Check("ok", "decoder", f"PyAV {av.__version__} with FFmpeg {ffmpeg}")


def _decord() -> Check:
    try:
        decord = importlib.import_module("decord")
    except ImportError:
        return Check("ok", "decord", "not installed (only for parity: pip install decord)")
    except (OSError, RuntimeError) as err:
        return Check("warn", "decord", f"does not import: {err} (only for --reader decord)")
    return Check("ok", "decord", f"{decord.__version__}, used with --reader decord")


def _ffmpeg() -> Check:
    program = shutil.which("ffmpeg")
    if program is None:
        return Check("warn", "ffmpeg", "not found: --clip needs it (apt install ffmpeg)")
    return Check("ok", "ffmpeg", program)


def _torch() -> Check:
    try:
        import torch  # late: seconds to import
    except (ImportError, OSError) as err:
        return Check("FAIL", "torch", f"does not import: {err}; pip install torch")
    if not torch.cuda.is_available():
        return Check("ok", "torch", f"{torch.__version__}, CPU, {torch.get_num_threads()} threads")
    gpu = torch.cuda.get_device_properties(0)
    return Check("ok", "torch", f"{torch.__version__}, {gpu.name}, {gpu.total_memory >> 30} GiB")


def _settings() -> Check:
    from vidqa.settings import load_settings  # late: reads files and environment

    try:
        settings = load_settings()
    except SettingsError as err:
        return Check("FAIL", "settings", f"{err}; {err.next_step}")
    return Check("ok", "settings", f"model {settings.model}, device {settings.device}")


def _built_in() -> Check:
    from vidqa.checkpoints import BUILT_IN, find_checkpoint  # late: reads the weights

    try:
        checkpoint = find_checkpoint(BUILT_IN)
        return Check("ok", "built-in model", f"{BUILT_IN} {checkpoint.digest()[:19]}")
    except ModelError as err:
        return Check("FAIL", "built-in model", f"{err}; {err.next_step}")
