"""Where a network runs, in which numbers, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from qwen25vl import Qwen25VLError
from vidqa.errors import ModelError

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "float32", "bfloat16"]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def device_called(name: Device) -> str:
    """The torch name of a device asked for; raises :class:`ModelError` where there is none."""
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise ModelError(
            "there is no CUDA device",
            code="device_missing",
            next_step="Use --device cpu, or install a CUDA build of torch and its driver.",
        )
    return ("cuda" if present else "cpu") if name == "auto" else name


def dtype_called(name: Dtype, place: str) -> torch.dtype:
    """The torch type asked for; ``auto`` is bfloat16 on CUDA and float32 elsewhere."""
    own = torch.bfloat16 if place == "cuda" else torch.float32
    return own if name == "auto" else _DTYPES[name]


@contextmanager
def model_errors() -> Iterator[None]:
    """The network's errors as ours: same message, same next step; and a card that is full."""
    try:
        yield
    except Qwen25VLError as err:
        raise ModelError(str(err), code="model_failed", next_step=err.next_step) from err
    except torch.OutOfMemoryError as err:
        raise ModelError(
            f"the device has too little memory: {str(err).partition('. ')[0]}",
            code="out_of_memory",
            next_step="Lower --budget-frames or --budget-tokens, or take --weights int8.",
        ) from err
