"""What users would take instead: FAISS by hand, LanceDB and Qdrant's local mode.

LanceDB and Qdrant are not among the project's dependencies; install them anywhere with pip and
name that folder of packages. Each contender: make it from all vectors, then ask it for ten ids.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.vectors.library import faiss

Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]
"""One query (1, D) to ids (10,)."""


class Contender(NamedTuple):
    """A way to search."""

    name: str
    build: Callable[[NDArray[np.float16], Path], tuple[Search, int]]
    """Takes vectors (N, D) and an empty folder; gives the search, and the bytes it is kept in."""


def contenders(peers: Path | None) -> Iterator[Contender]:
    """Those that are installed."""
    yield Contender("FAISS by hand, flat fp32", _flat)
    yield Contender("FAISS by hand, IVF SQ8, nprobe 8", _lists)
    yield Contender("FAISS by hand, HNSW32 SQ8, ef 100", _graph)
    if peers is not None:
        import sys

        sys.path.append(str(peers))
    if importlib.util.find_spec("lancedb"):
        yield Contender("LanceDB, IVF_PQ, refined 10", _lance)
        yield Contender("LanceDB, no index", _lance_flat)
    if importlib.util.find_spec("qdrant_client"):
        yield Contender("Qdrant, local mode", _qdrant)


def _blocks(vectors_ND: NDArray[np.float16]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for start in range(0, len(vectors_ND), 10_000):
        yield start, vectors_ND[start : start + 10_000].astype(np.float32)


def _by_hand(index: Any, vectors_ND: NDArray[np.float16], folder: Path, **options: Any) -> Any:
    if not index.is_trained:
        index.train(vectors_ND[:: max(1, len(vectors_ND) // 40_000)].astype(np.float32))
    for _, block_ND in _blocks(vectors_ND):
        index.add(block_ND)
    faiss.write_index(index, str(folder / "index"))
    return (
        lambda query: index.search(query, 10, **options)[1][0],
        (folder / "index").stat().st_size,
    )


def _flat(vectors_ND: NDArray[np.float16], folder: Path) -> tuple[Search, int]:
    index = faiss.IndexFlatIP(vectors_ND.shape[1])
    made: tuple[Search, int] = _by_hand(index, vectors_ND, folder)
    return made


def _lists(vectors_ND: NDArray[np.float16], folder: Path) -> tuple[Search, int]:
    index = faiss.index_factory(vectors_ND.shape[1], "IVF256,SQ8", faiss.METRIC_INNER_PRODUCT)
    given = faiss.SearchParametersIVF(nprobe=8)
    made: tuple[Search, int] = _by_hand(index, vectors_ND, folder, params=given)
    return made


def _graph(vectors_ND: NDArray[np.float16], folder: Path) -> tuple[Search, int]:
    index = faiss.index_factory(vectors_ND.shape[1], "HNSW32_SQ8", faiss.METRIC_INNER_PRODUCT)
    given = faiss.SearchParametersHNSW(efSearch=100)
    made: tuple[Search, int] = _by_hand(index, vectors_ND, folder, params=given)
    return made


def _lance(vectors_ND: NDArray[np.float16], folder: Path) -> tuple[Search, int]:
    table = _lance_table(vectors_ND, folder)
    table.create_index(metric="dot", vector_column_name="vector")
    return _lance_search(table, refine=10), _size(folder)


def _lance_flat(vectors_ND: NDArray[np.float16], folder: Path) -> tuple[Search, int]:
    return _lance_search(_lance_table(vectors_ND, folder), refine=0), _size(folder)


def _lance_table(vectors_ND: NDArray[np.float16], folder: Path) -> Any:
    import lancedb
    import pyarrow

    dimension = vectors_ND.shape[1]
    field = pyarrow.list_(pyarrow.float32(), dimension)
    schema = pyarrow.schema([("id", pyarrow.int64()), ("vector", field)])

    def batches() -> Iterator[Any]:
        for start, block_ND in _blocks(vectors_ND):
            ids = pyarrow.array(np.arange(start, start + len(block_ND)))
            flat = pyarrow.FixedSizeListArray.from_arrays(block_ND.ravel(), dimension)
            yield pyarrow.RecordBatch.from_arrays([ids, flat], schema=schema)

    return lancedb.connect(folder).create_table("clips", batches(), schema=schema)


def _lance_search(table: Any, refine: int) -> Search:
    def search(query_1D: NDArray[np.float32]) -> NDArray[np.int64]:
        asked = table.search(query_1D[0]).distance_type("dot").limit(10)
        if refine:
            asked = asked.refine_factor(refine)
        told = asked.select(["id", "_distance"]).to_arrow()
        found: NDArray[np.int64] = told["id"].to_numpy()
        return found

    return search


def _qdrant(vectors_ND: NDArray[np.float16], folder: Path) -> tuple[Search, int]:
    import warnings

    from qdrant_client import QdrantClient, models

    warnings.simplefilter("ignore")  # it advises against local mode for many points
    client = QdrantClient(path=str(folder))
    given = models.VectorParams(size=vectors_ND.shape[1], distance=models.Distance.DOT)
    client.create_collection("clips", vectors_config=given)
    for start, block_ND in _blocks(vectors_ND):
        ids = list(range(start, start + len(block_ND)))
        client.upsert("clips", models.Batch(ids=ids, vectors=block_ND.tolist()))

    def search(query_1D: NDArray[np.float32]) -> NDArray[np.int64]:
        found = client.query_points("clips", query=query_1D[0].tolist(), limit=10)
        return np.array([point.id for point in found.points])

    return search, _size(folder)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
