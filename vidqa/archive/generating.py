"""Generations of vectors: made, served, replaced, retired; their log and their mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, update

from vidqa.archive.part import Part, generation_row
from vidqa.archive.records import Generation, Progress
from vidqa.archive.rows import generation_of
from vidqa.archive.source import StoredVectors
from vidqa.archive.tables import changes, clips, embedded, generations, vectors, videos
from vidqa.errors import ArchiveError

_BATCH = 2_000
"""Vectors removed in one transaction, so that others may write in between."""
_FLOAT = np.dtype("<f4")


class Generations(Part):
    """Which vectors may be compared, and which of them answer searches."""

    __slots__ = ()

    def generation(
        self, model: str, recipe: str, dimension: int, *, centred: bool = False
    ) -> Generation:
        """The generation of this model and recipe, made where there is none.

        The first one serves searches from the beginning; a later one when :meth:`serve` says so.
        """
        key = {"model": model, "recipe": recipe, "dimension": dimension, "centred": centred}
        with self._db.writing() as db:
            serving = exists().where(generations.c.state == "serving")
            first = not db.execute(select(serving)).scalar_one()
            db.execute(
                self._db.insert(generations)
                .values(
                    **key,
                    state="serving" if first else "building",
                    last_seq=0,
                    pruned_seq=0,
                    vectors=0,
                    mean_version=0,
                )
                .on_conflict_do_nothing()
            )
            asked = select(generations).filter_by(**key).where(generations.c.state != "retired")
            row = db.execute(asked).one_or_none()
        # None: on PostgreSQL another process made the first generation at the same moment.
        if row is None:
            return self.generation(model, recipe, dimension, centred=centred)
        return generation_of(row)

    def generations(self) -> list[Generation]:
        """All that were not retired, by id."""
        with self._db.reading() as db:
            asked = select(generations).where(generations.c.state != "retired")
            return [generation_of(row) for row in db.execute(asked.order_by(generations.c.id))]

    def serving(self) -> Generation | None:
        """The generation that answers searches; None while the archive has none at all."""
        with self._db.reading() as db:
            row = db.execute(select(generations).where(generations.c.state == "serving")).first()
            return None if row is None else generation_of(row)

    def serve(self, generation_id: int) -> None:
        """Have this generation answer searches from now on; the one that did is replaced, and
        keeps its vectors until it is retired."""
        with self._db.writing() as db:
            _lock_all(db)
            generation_row(db, generation_id)
            _set(db, generations.c.state == "serving", "replaced")
            _set(db, generations.c.id == generation_id, "serving")

    def retire(self, generation_id: int) -> int:
        """Remove a generation's vectors, its log, and the clips that no other has; how many
        vectors. Cut short, it goes on when it is called again. Raises :class:`ArchiveError` for
        the one that serves."""
        with self._db.writing() as db:
            if generation_row(db, generation_id, lock=True, retired=True).state == "serving":
                raise ArchiveError(
                    f"generation {generation_id} answers searches",
                    code="generation_serving",
                    next_step="Let another generation serve first.",
                )
            _set(db, generations.c.id == generation_id, "retired")
            db.execute(delete(embedded).where(embedded.c.generation_id == generation_id))
            db.execute(delete(changes).where(changes.c.generation_id == generation_id))
        removed = 0
        while batch := self._remove_some(generation_id):
            removed += batch
        return removed

    def spent(self) -> list[int]:
        """Generations that no search needs any more: replaced, or retired and not yet empty."""
        row = generations.c
        left = exists().where(vectors.c.generation_id == row.id)
        done_with = (row.state == "replaced") | ((row.state == "retired") & left)
        with self._db.reading() as db:
            return list(db.execute(select(row.id).where(done_with).order_by(row.id)).scalars())

    def progress(self, generation_id: int) -> Progress:
        """How far it is."""
        with self._db.reading() as db:
            row = generation_row(db, generation_id)
            living = select(func.count()).select_from(videos).where(videos.c.state != "failed")
            done = living.join(embedded).where(embedded.c.generation_id == generation_id)
            return Progress(
                videos_done=db.execute(done).scalar_one(),
                videos=db.execute(living).scalar_one(),
                clips=row.vectors,
            )

    def source(self, generation_id: int) -> StoredVectors:
        """What an index of this generation is derived from."""
        with self._db.reading() as db:
            row = generation_row(db, generation_id)
        about = row.mean_version if row.centred else 0  # other means only move queries
        version = f"-mean{about}" if about else ""
        return StoredVectors(
            self._db,
            generation_id,
            f"{self._uid}-{generation_id}{version}",
            row.dimension,
            _mean(row.mean) if row.centred else None,
            row.mean_version if row.centred else None,
        )

    def mean(self, generation_id: int) -> NDArray[np.float32] | None:
        """What the generation's vectors have in common, (D,); None where nothing was set."""
        with self._db.reading() as db:
            return _mean(generation_row(db, generation_id).mean)

    def measure_mean(self, generation_id: int) -> NDArray[np.float32]:
        """The mean of the vectors that are there, (D,), before any centring; zeros of none."""
        source = replace(self.source(generation_id), mean_D=None)
        total_D, count = np.zeros(source.dimension), 0
        for block in source.blocks():
            total_D += block.vectors_ND.sum(axis=0, dtype=np.float64)
            count += len(block.ids_N)
        return (total_D / max(count, 1)).astype(np.float32)

    def set_mean(self, generation_id: int, mean_D: NDArray[np.float32]) -> None:
        """Search by this mean from now on. A centred generation's vectors are compared about it:
        sources and indexes of before are void. Raises :class:`ArchiveError` for a mean that does
        not fit."""
        with self._db.writing() as db:
            row = generation_row(db, generation_id, lock=True)
            if mean_D.shape != (row.dimension,) or not np.isfinite(mean_D).all():
                raise ArchiveError(
                    f"a mean of shape {mean_D.shape} for generation {generation_id}, which has "
                    f"{row.dimension} dimensions",
                    code="archive_mean",
                    next_step="Give finite numbers, one to a dimension.",
                )
            db.execute(
                update(generations)
                .where(generations.c.id == generation_id)
                .values(mean=mean_D.astype(_FLOAT).tobytes(), mean_version=row.mean_version + 1)
            )

    def prune(self, generation_id: int, below: int) -> int:
        """Forget the changes numbered under ``below``, which no snapshot of an index needs any
        more; how many. An index that is older still must be built anew."""
        with self._db.writing() as db:
            row = generation_row(db, generation_id, lock=True)
            upto = min(below - 1, row.last_seq)
            if upto <= row.pruned_seq:
                return 0
            mine = changes.c.generation_id == generation_id
            gone = db.execute(delete(changes).where(mine, changes.c.seq <= upto)).rowcount
            db.execute(
                update(generations).where(generations.c.id == generation_id).values(pruned_seq=upto)
            )
            return gone

    def _remove_some(self, generation_id: int) -> int:
        with self._db.writing() as db:
            _lock_all(db)  # nobody gives a vector of another generation to a clip that goes
            mine = vectors.c.generation_id == generation_id
            asked = select(vectors.c.clip_id).where(mine).order_by(vectors.c.clip_id).limit(_BATCH)
            ids = list(db.execute(asked).scalars())
            if not ids:
                return 0
            span = vectors.c.clip_id.between(ids[0], ids[-1])
            db.execute(delete(vectors).where(mine, span))
            other = exists().where(vectors.c.clip_id == clips.c.id)
            db.execute(delete(clips).where(clips.c.id.between(ids[0], ids[-1]), ~other))
            db.execute(
                update(generations)
                .where(generations.c.id == generation_id)
                .values(vectors=generations.c.vectors - len(ids))
            )
            return len(ids)


def _lock_all(db: Connection) -> None:
    """In one order everywhere, so that no two wait for each other in a circle."""
    db.execute(select(generations.c.id).order_by(generations.c.id).with_for_update()).all()


def _set(db: Connection, which: ColumnElement[bool], state: str) -> None:
    db.execute(update(generations).where(which).values(state=state))


def _mean(stored: bytes | None) -> NDArray[np.float32] | None:
    return None if stored is None else np.frombuffer(stored, dtype=_FLOAT).astype(np.float32)
