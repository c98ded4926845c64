"""The networked index: what only a server can do, and what it says where it cannot."""

from __future__ import annotations

import threading
import uuid

import numpy as np
import psycopg
import pytest

from tests.vidqa.archive.vectors.sources import MemorySource, nearest_of, unit_vectors
from vidqa.archive.vectors.opening import open_index
from vidqa.archive.vectors.pgvector import PgvectorIndex, drop_indexes
from vidqa.errors import ArchiveBusy, ArchiveError

QUERIES = unit_vectors(20, seed=9)


def filled(count: int, dimension: int = 8) -> MemorySource:
    source = MemorySource(dimension, name=f"test {uuid.uuid4()}")
    source.put(range(1, count + 1), unit_vectors(count, dimension))
    return source


def tables(url: str, source: MemorySource) -> list[str]:
    with psycopg.connect(url) as db:
        found = db.execute(
            "SELECT relation FROM vidqa_indexes WHERE source = %s", [source.name]
        ).fetchall()
    return [relation for (relation,) in found]


def test_many_vectors_are_found_through_the_graph(pgvector_url: str) -> None:
    source = filled(3000, 64)
    queries = unit_vectors(20, 64, seed=9)
    index = PgvectorIndex(pgvector_url, source)
    wanted = nearest_of(source.vectors_of(np.arange(1, 3001)), queries, 10)
    found = index.search(queries, 10)
    shared = [np.isin(a, b).mean() for a, b in zip(wanted.ids_QK, found.ids_QK, strict=True)]
    assert np.mean(shared) >= 0.95
    with psycopg.connect(pgvector_url) as db:
        relation = tables(pgvector_url, source)[0]
        (kind,) = db.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexdef LIKE '%%hnsw%%'",
            [relation],
        ).fetchall()[0]
    assert "halfvec_ip_ops" in kind
    index.close()


def test_all_of_many_are_found_when_all_are_asked_for(pgvector_url: str) -> None:
    source = filled(1500)
    index = PgvectorIndex(pgvector_url, source)
    found = index.search(QUERIES[:1], 1500)
    assert sorted(found.ids_QK[0].tolist()) == list(range(1, 1501))
    index.close()


def test_vectors_wider_than_a_graph_takes_are_read_whole(pgvector_url: str) -> None:
    source = filled(3, 5120)
    index = PgvectorIndex(pgvector_url, source)
    query = source.vectors[2][None]
    assert index.search(query, 1).ids_QK.tolist() == [[2]]
    index.close()


def test_vectors_wider_than_a_table_takes_are_refused(pgvector_url: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        PgvectorIndex(pgvector_url, MemorySource(16_001))
    assert refused.value.code == "too_wide"


def test_two_who_refresh_at_once_apply_each_change_once(pgvector_url: str) -> None:
    source = filled(10)
    indexes = [PgvectorIndex(pgvector_url, source) for _ in range(2)]
    source.put(range(11, 61), unit_vectors(50, seed=3))
    threads = [threading.Thread(target=index.refresh) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(index.count, index.applied) for index in indexes] == [(60, 60)] * 2
    for index in indexes:
        index.close()


def test_a_new_build_takes_the_old_tables_place(pgvector_url: str) -> None:
    source = filled(10)
    index = PgvectorIndex(pgvector_url, source)
    before = tables(pgvector_url, source)
    source.prune()
    source.put([11], QUERIES[:1])
    source.prune()
    index.refresh()
    after = tables(pgvector_url, source)
    assert (len(after), after == before) == (1, False)
    assert index.search(QUERIES[:1], 1).ids_QK.tolist() == [[11]]
    with psycopg.connect(pgvector_url) as db:
        left = db.execute("SELECT to_regclass(%s)", before).fetchall()
    assert left == [(None,)]
    index.close()


def test_a_dropped_index_says_so_and_is_built_again(pgvector_url: str) -> None:
    source = filled(10)
    index = PgvectorIndex(pgvector_url, source)
    other = PgvectorIndex(pgvector_url, filled(3))
    assert drop_indexes(pgvector_url, source.name.__eq__) == [source.name]
    assert tables(pgvector_url, source) == []
    assert other.count == 3
    other.close()
    with pytest.raises(ArchiveError) as refused:
        index.search(QUERIES, 1)
    assert refused.value.code == "index_dropped"
    index.refresh()
    assert index.count == 10
    index.close()


def test_a_closed_index_says_so(pgvector_url: str) -> None:
    index = PgvectorIndex(pgvector_url, filled(3))
    index.close()
    with pytest.raises(ArchiveError) as refused:
        index.search(QUERIES, 1)
    assert refused.value.code == "index_closed"


def test_a_url_opens_the_networked_index(pgvector_url: str) -> None:
    index = open_index(pgvector_url, filled(3))
    assert isinstance(index, PgvectorIndex)
    index.close()


def test_a_server_that_is_away_is_worth_another_try() -> None:
    with pytest.raises(ArchiveBusy) as refused:
        PgvectorIndex("postgresql://nobody@127.0.0.1:9/none", filled(3))
    assert (refused.value.code, refused.value.retryable) == ("index_away", True)


def test_connections_that_were_cut_are_made_again(pgvector_url: str) -> None:
    source = filled(5)
    index = PgvectorIndex(pgvector_url, source)
    with psycopg.connect(pgvector_url) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    assert index.search(QUERIES[:1], 5).ids_QK.shape == (1, 5)
    index.close()
