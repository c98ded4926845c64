"""FAISS as this package uses it: safe after a fork, and without its own type stubs, which lack half
of what its Python interface has."""

from __future__ import annotations

import os
from typing import Any

import faiss as _faiss

faiss: Any = _faiss

# A forked child has none of its parent's OpenMP threads, and would wait for them for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: faiss.omp_set_num_threads(1))
