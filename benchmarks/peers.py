"""Importing the peers we compare against, on machines where their compiled parts do not fit.

For benchmarks and parity tests only: the product never imports torchvision.
"""

from __future__ import annotations

import importlib
import importlib.util

import torch

# torchvision gives these operators shape rules when it is imported, which fails when its compiled
# library was built for another torch (a CUDA build beside a CPU build, say) and defined none.
# Declaring the names first lets the import pass; neither resizing nor normalising calls them.
_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # a Library undoes its definitions when it is collected


def allow_torchvision() -> bool:
    """Make ``import torchvision`` (and what imports it) work; False where it is not installed."""
    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        importlib.import_module("torchvision")
    except RuntimeError as err:
        if "torchvision::" not in str(err):
            raise
        _declare()
        importlib.import_module("torchvision")
    return True


def _declare() -> None:
    if _declared:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for signature in _OPERATORS:
        library.define(signature)
    _declared.append(library)
